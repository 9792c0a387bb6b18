#!/usr/bin/env python3
"""Write the manual page alexnet(1), from what the program says about itself.

    alexnet --experimental-dump-help | deploy/man/generate.py > alexnet.1
"""

import json
import sys

EXIT_STATUS = [
    ("0", "The work is done."),
    ("1", "The work failed: a file could not be read, a server is not ready. One sentence on standard error says why."),
    ("2", "The command line or the configuration is wrong."),
]
FILES = [
    ("config/alexnet.yaml", "The configuration of the current folder, unless --config names another."),
    ("/etc/alexnet/alexnet.yaml", "The configuration of the service in the Debian package."),
    ("weights/", "The models directory of the current folder: one folder for each model."),
    ("~/.cache/alexnet/", "Measured times of algorithms on this processor; can be deleted."),
]
EXAMPLES = [
    ("Serve the models in weights/ on port 8080:", "alexnet serve"),
    ("Serve the two files that a training in PyTorch leaves:", "alexnet serve --checkpoint AlexNet.pth --classes class_indices.json"),
    ("Send an image:", "curl -F image=@rose.jpg localhost:8080/predict"),
    ("Classify a folder without a server, as lines of JSON:", "alexnet predict photos/ --json"),
    ("Train on a folder with one folder for each class:", "alexnet train --data flowers/ --output weights/flowers"),
]


def text(words):
    """Text in which roff finds no commands."""
    lines = words.strip().replace("\\", "\\e").replace("-", "\\-").splitlines()
    return "\n".join("\\&" + line if line.startswith((".", "'")) else line for line in lines)


def paragraphs(words):
    """Text whose indented lines are shown as they are."""
    shown, out = False, []
    for line in words.strip().splitlines():
        indented = line.startswith("  ")
        if indented != shown:
            out.append(".nf" if indented else ".fi")
            shown = indented
        out.append(text(line) if line.strip() else ".PP" if not shown else "")
    return "\n".join(out + ([".fi"] if shown else []))


def names(argument):
    spelt = [
        ("--" if name["kind"] == "long" else "-") + name["name"] for name in argument.get("names") or []]
    value = argument.get("valueName", "value")
    if argument["kind"] == "positional":
        return f"\\fI{text(value)}\\fR"
    label = ", ".join(f"\\fB{text(name)}\\fR" for name in spelt)
    return label + (f" \\fI{text(value)}\\fR" if argument["kind"] == "option" else "")


def options(command):
    out = []
    for argument in command.get("arguments", []):
        if not argument.get("shouldDisplay", True) or argument.get("valueName") in ("help", "version"):
            continue
        out += [".TP", names(argument), text(argument.get("abstract") or "")]
        if argument.get("defaultValue"):
            out.append(f"(default: {text(argument['defaultValue'])})")
    return out


def main():
    root = json.load(sys.stdin)["command"]
    commands = [command for command in root["subcommands"] if command["commandName"] != "help"]
    out = [
        '.TH ALEXNET 1 "" "alexnet" "User Commands"', ".SH NAME", f"alexnet \\- {text(root['abstract'][0].lower() + root['abstract'][1:].rstrip('.'))}",
        ".SH SYNOPSIS", ".B alexnet", "\\fIsubcommand\\fR [\\fIoptions\\fR]", ".SH DESCRIPTION", paragraphs(root.get("discussion") or ""),
        ".SH SUBCOMMANDS",
    ]
    for command in commands:
        out += [f".SS alexnet {text(command['commandName'])}", text(command.get("abstract") or "")]
        if command.get("discussion"):
            out += [".PP", paragraphs(command["discussion"])]
        out += options(command)
    out.append(".SH EXIT STATUS")
    for code, meaning in EXIT_STATUS:
        out += [".TP", f".B {code}", text(meaning)]
    out += [".SH ENVIRONMENT", text(
        "Each key of the configuration can be set by a variable: ALEXNET_SERVER_PORT for server.port. It overrules the file, and a flag "
        "overrules both."), ".SH FILES"]
    for name, meaning in FILES:
        out += [".TP", f".I {text(name)}", text(meaning)]
    out.append(".SH EXAMPLES")
    for purpose, line in EXAMPLES:
        out += [".PP", text(purpose), ".PP", ".nf", ".RS", text(line), ".RE", ".fi"]
    print("\n".join(line for line in out if line is not None))


if __name__ == "__main__":
    main()
