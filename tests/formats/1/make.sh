#!/usr/bin/env bash
# Writes the folder $1 with what `stored/` has, by the hpstudy of format 1, which is the commit tagged `format-1` (bcd1db6):
# in a clone of that commit with its environment active, and with the clone on PYTHONPATH for its tests.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
rm -rf "$1" && mkdir -p "$1" && cd "$1"
cp "$here"/{nets.py,whole.yaml,fair.yaml,stopped.yaml} .
export OMP_NUM_THREADS=1 COLUMNS=100

hpstudy run whole.yaml
hpstudy run fair.yaml
# Killed after the third epoch of its second trial; a checkpoint is written after each epoch.
points=$(python -c 'import tests.faults.bench as bench; print(bench.POINTS)')
PYTHONPATH="$points:$PYTHONPATH" SET=hpstudy.training.job:CHECKPOINT_SECONDS=0 \
    KILL_AT=hpstudy.search.trials:TrialSource.epoch_ended,15,after hpstudy run stopped.yaml || test $? = 137
python "$here/plain.py" sqlite:///hpstudy.db
hpstudy rerun whole "Größe 32"
hpstudy export whole --output export
hpstudy export whole "Größe 32" --output export-own
hpstudy report whole --markdown
# The page without plotly.js (1.3 MB, the same in every report), the Markdown without its pictures.
python - <<'END'
import re, pathlib

page = pathlib.Path("reports/whole.html")
scripts = re.findall(r"<script[^>]*>.*?</script>", page.read_text("utf-8"), re.DOTALL)
page.write_text(page.read_text("utf-8").replace(max(scripts, key=len), "<script>/* plotly.js */</script>"), "utf-8")
END
python - <<'END'
from PIL import Image
from sklearn.datasets import load_digits

picture = load_digits().images[1]
Image.fromarray((picture * 255 / 16).astype("uint8")).save("digit.png")
END
hpstudy predict export digit.png --top 1 > predicted.txt
hpstudy predict export-own digit.png --top 1 >> predicted.txt
python "$here/expect.py" sqlite:///hpstudy.db whole fair stopped plain > expected.json
# The interrupted study as format 1 goes on with it.
mkdir finished && cp -r hpstudy.db artifacts nets.py stopped.yaml finished && (cd finished && hpstudy run stopped.yaml)
python "$here/expect.py" sqlite:///finished/hpstudy.db stopped > expected-finished.json
rm -rf finished reports/whole/*.png __pycache__
hpstudy list
