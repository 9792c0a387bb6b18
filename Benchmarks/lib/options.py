"""What all commands' options share."""

from .program import Program


def integers(text):
    return [int(part) for part in text.split(",")]


def names(text):
    return text.split(",")


def add_common_options(parser, seconds, rounds):
    parser.add_argument("--binary", default=str(Program.DEFAULT), help="our program (default: .build/release/alexnet)")
    parser.add_argument("--rounds", type=int, default=rounds, help=f"each measures every contender (default: {rounds})")
    parser.add_argument("--seconds", type=float, default=seconds,
                        help=f"length of one measurement (default: {seconds})")
    parser.add_argument("--contenders", type=names, metavar="NAME,…", help="only these peers, as the table names them")
    parser.add_argument("--record", metavar="FILE",
                        help="keep the measurements here; a later run with the same file adds to them")

