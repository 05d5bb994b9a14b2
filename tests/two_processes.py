"""What each of several processes runs: one stage after the other, for importing torch takes seconds.

python -m torch.distributed.run --nproc_per_node 2 tests/two_processes.py "training.finetune_teacher ..."
"""

import shlex
import sys
from importlib import import_module

import tyro


def run(line: str) -> None:
    """One stage, as its command would."""
    name, *flags = shlex.split(line)
    stage = import_module(name)
    stage.main(tyro.cli(stage.Arguments, args=flags))


if __name__ == "__main__":
    for line in sys.argv[1:]:
        run(line)
