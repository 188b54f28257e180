"""`python -m swarmlite`: the command, for whoever knows the interpreter better than the PATH."""

from swarmlite.cli.main import main

if __name__ == "__main__":
    main(prog_name="swarmlite")
