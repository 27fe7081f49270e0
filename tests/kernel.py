"""A kernel of Jupyter's, as the commands of a notebook find it."""

KERNEL = {
    "CLICOLOR": "1",
    "CLICOLOR_FORCE": "1",
    "FORCE_COLOR": "1",
    "GIT_PAGER": "cat",
    "JPY_PARENT_PID": "11446",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "PAGER": "cat",
    "PYDEVD_USE_FRAME_EVAL": "NO",
    "TERM": "xterm-color",
}
"""What it sets, recorded in one that nbconvert 7.17 had started (ipykernel 7.4, jupyter_client 8.10)."""
