"""Options that the commands share."""

from .program import Program


def integers(text):
    return [int(part) for part in text.split(",")]


def names(text):
    return text.split(",")


def add_common_options(parser, seconds, rounds):
    parser.add_argument("--binary", default=str(Program.DEFAULT),
                        help="the alexnet binary (default: .build/release/alexnet)")
    parser.add_argument("--rounds", type=int, default=rounds,
                        help=f"a round measures every contender once (default: {rounds})")
    parser.add_argument("--seconds", type=float, default=seconds,
                        help=f"length of one measurement (default: {seconds})")
    parser.add_argument("--contenders", type=names, metavar="NAME,…",
                        help="only these peers, by their names in the table")
    parser.add_argument("--record", metavar="FILE",
                        help="keep the measurements in this file; later runs with the same file add to them")
