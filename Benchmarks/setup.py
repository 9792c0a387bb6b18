"""Install the peers, each into its own virtual environment, outside the repository."""

from lib.peers import CACHE, Peer


def add_options(parser):
    parser.add_argument("peers", nargs="*", help="names of peers (default: all)")


def run(options):
    peers = Peer.all()
    unknown = set(options.peers) - {peer.name for peer in peers}
    if unknown:
        raise SystemExit(f"unknown peer {', '.join(unknown)}; choose from {', '.join(peer.name for peer in peers)}")
    failed = []
    for peer in peers:
        if options.peers and peer.name not in options.peers:
            continue
        if peer.is_installed:
            print(f"{peer.name} is already installed")
            continue
        print(f"installing {peer.name} into {CACHE / 'environments'} …", flush=True)
        if not peer.install():
            failed.append(peer.name)
    for name in failed:
        print(f"{name} could not be installed; it will be missing from the tables")
    return 1 if failed else 0
