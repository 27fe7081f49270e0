"""`python -m hpstudy`: the same as the command `hpstudy`."""

from hpstudy.main import main

if __name__ == "__main__":
    main()
