#!/usr/bin/env python3
"""The page at `/` in a real headless Chromium, against the built server.

Images are chosen, dropped and pasted, many of them stopped and continued; a folder is evaluated; a file that is no image, a switch of
the model, a reload, one that is refused, and a server that stops and comes back are told; an answer is explained; the live panel and the
training's curve move. Everything works by the keyboard, in both themes and at a width of 360 pixels, and axe-core finds no fault where
PyPI's `axe-core-python` is installed or `--axe` names its script; the page's own checks run everywhere.

Wants Debian's chromium, chromium-driver and python3-selenium.
"""

import importlib.util
import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from acceptance import ROOT, Server, Verdict, make_parser, parse
from browser import Page
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

IMAGES = [ROOT / "docs" / name for name in ("dress.jpg", "jeans.jpg", "sneaker.png")]
MODEL = ROOT / "weights" / "fashion-mnist"
CLOTHES = {"dress": "Dress", "trousers": "Trouser"}
LANGUAGES = ["curl", "Python", "JavaScript"]
# What torchvision does: shortest side, then the centre. Half of a wide image is not seen.
CROPPED = {
    "resize": {"mode": "shortest", "side": 224}, "crop": 224, "mean": [0.485, 0.456, 0.406], "deviation": [0.229, 0.224, 0.225],
}

# What a button saves.
SAVED = """
const done = arguments[1];
const made = [];
const make = URL.createObjectURL;
URL.createObjectURL = (blob) => { made.push(blob); return make(blob); };
document.querySelector(arguments[0]).click();
URL.createObjectURL = make;
made[0].text().then(done);
"""


def give_images(verdict, page, shots):
    page.wait(lambda: "alexnet_half_width" in page.text("#model-facts"))
    verdict.check("10 classes" in page.text("#model-facts"), "the chosen model is described", page.text("#model-facts"))
    page.shot(shots, "empty")
    page.one("#files").send_keys("\n".join(map(str, IMAGES)))
    classes = {"dress.jpg": "Dress", "jeans.jpg": "Trouser", "sneaker.png": "Sneaker"}
    verdict.check(
        page.wait(lambda: all(label in page.card(name) for name, label in classes.items())),
        "three chosen images are classified", page.text("#cards"))
    verdict.check("97.7%" in page.card("dress.jpg"), "with their probabilities", page.card("dress.jpg"))
    names = [element.text for element in page.all(".card .name")]
    verdict.check(names == list(classes), "in their order", names)
    page.give("drop", IMAGES[0], "dropped.jpg")
    verdict.check(page.wait(lambda: "Dress" in page.card("dropped.jpg")), "a dropped image is classified", page.text("#cards"))
    page.give("paste", IMAGES[2], "pasted.png", "image/png")
    verdict.check(page.wait(lambda: "Sneaker" in page.card("pasted.png")), "a pasted image is classified", page.text("#cards"))
    page.give("drop", ROOT / "README.md", "<b>notes</b>.jpg")
    verdict.check(
        page.wait(lambda: "plain text" in page.card("<b>notes</b>.jpg")),
        "a file that is no image gets the server's sentence, and its name is text, not markup", page.text("#cards"))
    counted = page.text("#progress-text")
    verdict.check("6 images, 1 could not be classified" in counted, "all are counted", counted)
    page.shot(shots, "cards")


def explain(verdict, page, shots):
    page.press(".card .foot button", 2)
    verdict.check(page.wait(lambda: page.all("#why canvas")), "Why? opens an explanation", page.text("#why"))
    page.wait(lambda: page.run("return [...document.querySelectorAll('#why img')].every((image) => image.complete)"))
    colours = page.run("""
        const canvas = document.querySelector('#why canvas');
        const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        const colours = new Set();
        for (let i = 0; i < data.length; i += 4) colours.add(`${data[i]},${data[i + 1]},${data[i + 2]}`);
        return colours.size""")
    verdict.check(colours > 100, f"the heat map is painted over the image, in {colours} colours")
    images = page.run("return [...document.querySelectorAll('#why img')].map((image) => [image.alt, image.naturalWidth])")
    verdict.check(
        len(images) == 3 and all(width > 0 for _, width in images), "with what the network saw, activations and filters", images)
    verdict.check("Strongest in the" in page.text("#why figcaption"), "and in words", page.text("#why"))
    page.shot(shots, "why")
    faults = page.faults()
    verdict.check(not faults, "the explanation has contrast, names and alternative texts", "\n".join(faults))
    page.press("#why-classes button", 1)
    verdict.check(page.wait(lambda: "Why Shirt" in page.text("#why-heading")), "another class is explained", page.text("#why"))
    pressed = [button.get_attribute("aria-pressed") for button in page.all("#why-classes button")]
    verdict.check(pressed == ["false", "true", "false", "false", "false"], "and marked", pressed)
    page.one("#why .dialog-head button").click()
    verdict.check(page.wait(lambda: not page.one("#why").get_attribute("open")), "Close closes it")


def give_many(verdict, page):
    """Enough that they can be stopped; more than are shown."""
    page.press("#clear")
    verdict.check(page.wait(lambda: not page.all(".card")), "Clear forgets all images")
    page.give("drop", IMAGES[2], "many.png", "image/png", count=400)
    page.wait(lambda: page.all(".card .foot"))
    page.press("#stop")
    stopped = page.text("#progress-text")
    verdict.check("of 400 images" in stopped, "many images are stopped", stopped)
    verdict.check(
        page.wait(lambda: "Waiting" not in page.text("#cards") and page.text("#progress-text") == stopped, 5),
        "and none says that it waits", page.text("#cards"))
    page.press("#resume")
    verdict.check(page.wait(lambda: page.text("#progress-text") == "400 images", 120), "Continue classifies the rest", page.text("#progress"))
    verdict.check(len(page.all(".card")) == 60, "60 cards are drawn", len(page.all(".card")))


def evaluate(verdict, page, folder, shots):
    page.press("#clear")
    verdict.check(page.wait(lambda: not page.all(".card")), "Clear forgets all images")
    count = 0
    for source, name in CLOTHES.items():
        (folder / name).mkdir(parents=True)
        for path in sorted((ROOT / "docs" / "clothes" / source).iterdir())[:6]:
            shutil.copy(path, folder / name)
            count += 1
    (folder / "spoons").mkdir()
    shutil.copy(IMAGES[2], folder / "spoons")
    # One that is in the wrong folder.
    shutil.copy(IMAGES[1], folder / "Dress" / "wrong.jpg")
    page.one("#folder").send_keys(str(folder))
    verdict.check(
        page.wait(lambda: "Accuracy" in page.text("#evaluation .figures"), 60), f"a folder of {count + 2} images is evaluated",
        page.text("#progress"))
    text = page.text("#evaluation")
    verdict.check("spoons" in text, "a folder that is no class is left out, and named", text)
    table = page.run("""return [...document.querySelectorAll('#evaluation .matrix tbody tr')].map((row) => [
        row.querySelector('th').textContent,
        [...row.querySelectorAll('.count')].reduce((sum, one) => sum + Number(one.textContent), 0)])""")
    verdict.check(dict(table) == {"Dress": 7, "Trouser": 6}, "the confusion matrix counts each image once", table)
    verdict.check("It is Dress" in page.text(".mistakes"), "the worst mistakes are shown", page.text(".mistakes"))
    verdict.check("Among the top 5" in page.text("#evaluation .figures"), "ten classes have a top-5 accuracy", text)
    recall = page.run("""return [...document.querySelectorAll('#evaluation .plain tbody tr')].map(
        (row) => [row.querySelector('th').textContent, Number(row.querySelector('td').textContent)])""")
    verdict.check(dict(recall) == {"Dress": 7, "Trouser": 6}, "each class has its row", recall)
    matrix = page.driver.execute_async_script(SAVED, "#evaluation button").strip().split("\r\n")
    verdict.check(matrix[0].startswith("folder,") and len(matrix) == 3, "the matrix is saved as CSV", matrix)
    rows = page.driver.execute_async_script(SAVED, "#save").strip().split("\r\n")
    verdict.check(
        len(rows) == count + 3 and rows[0].startswith("file,folder,class,probability"), "all answers are saved as CSV", rows[:2])
    page.shot(shots, "evaluation")


def operate(verdict, page, server, models, shots):
    gone = models.parent / "gone.png"
    shutil.copy(IMAGES[2], gone)
    page.one("#files").send_keys(str(gone))
    page.wait(lambda: "Sneaker" in page.card("gone.png"))
    gone.unlink()
    Select(page.one("#model-select")).select_by_visible_text("second")
    verdict.check(
        page.wait(lambda: "can no longer be read" in page.card("gone.png")), "a file that was deleted since is told",
        page.card("gone.png"))
    answered = lambda: page.text(".card .about")
    verdict.check(
        page.wait(lambda: "second" in answered() and "fashion-mnist" not in answered() and "Waiting" not in answered(), 60),
        "another model classifies the images again", answered())
    page.press(".card .foot button")
    verdict.check(page.wait(lambda: page.all("#why .crop .frame")), "the part of an image that is seen is framed", page.text("#why"))
    page.key(Keys.ESCAPE)
    verdict.check("/v1/models/second/predict" in page.text("#snippets"), "the lines to copy name it", page.text("#snippets"))
    line = page.text("#snippets code").replace("photo.jpg", str(IMAGES[0])).replace("curl", "curl -s", 1)
    answer = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=60)
    verdict.check('"class":"Dress"' in answer.stdout, "the line for curl works as it is", answer)
    for index, language in enumerate(LANGUAGES):
        page.press("#snippets [role=tab]", index)
        verdict.check(
            f"http://{server.host}:{server.port}" in page.text("#snippets code"), f"there are lines for {language}",
            page.text("#snippets"))

    page.run("navigator.clipboard.writeText = () => Promise.reject(new Error('not permitted'))")
    page.one("#copy").click()
    verdict.check(page.wait(lambda: page.text("#copy") == "Copied"), "they are copied also where the Clipboard API is not permitted")
    page.run("document.getElementById('live').scrollIntoView({behavior: 'instant'})")
    connection = server.connect()
    rates = set()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and not any(rate > 0 for rate in rates):
        connection.request("POST", "/predict", body=IMAGES[2].read_bytes())
        connection.getresponse().read()
        shown = page.all("#live .value")[0].text
        if shown not in ("–", ""):
            rates.add(float(shown))
    verdict.check(any(rate > 0 for rate in rates), "the live panel shows the rate of predictions", rates)
    verdict.check(page.wait(lambda: len(page.all("#live svg path.line")) >= 5), "and lines", page.text("#live"))
    page.shot(shots, "live")
    verdict.check(
        page.wait(lambda: "32 epochs" in page.text("#training")), "the training in the models directory has its curve",
        page.text("#training"))
    with open(models / "fashion-mnist" / "history.csv", "a") as history:
        history.write("33,0.1,0.97,0.2,0.945,0.0001,200,200\n")
    verdict.check(
        page.wait(lambda: "33 epochs" in page.text("#training")), "which grows with its history", page.text("#training"))

    before = page.text("#model-facts")
    names = json.loads((models / "second" / "class_indices.json").read_text())
    changed = models / "second" / ".class_indices.json"
    changed.write_text(json.dumps(names | {"0": "Tee"}))
    changed.rename(models / "second" / "class_indices.json")
    verdict.check(
        page.wait(lambda: "were replaced" in page.text("#notice") and page.text("#model-facts") != before),
        "a reload while the page is open is told", page.text("#notice"))
    verdict.check(
        page.wait(lambda: page.run("""return [...document.querySelectorAll('#live-models tbody tr')]
            .find((row) => row.querySelector('th').textContent === 'second').children[3].textContent""") == "1"),
        "and counted for its model", page.text("#live-models"))
    changed.write_text("no names")
    changed.rename(models / "second" / "class_indices.json")
    verdict.check(
        page.wait(lambda: "Newer files were refused" in page.text("#model-remarks")), "so is one that is refused", page.text("#model"))


def accessible(verdict, page, axe, shots):
    for theme in ("light", "dark"):
        page.theme(theme)
        page.wait(lambda: page.run("return matchMedia('(prefers-color-scheme: dark)').matches") == (theme == "dark"))
        time.sleep(0.3)  # until the colours have changed
        faults = page.faults(axe)
        verdict.check(not faults, f"contrast of at least 4.5, names and alternative texts, {theme}", "\n".join(faults))
        page.run("window.scrollTo(0, 0)")
        page.shot(shots, theme)
        page.press(".card .foot button")
        page.wait(lambda: page.all("#why .crop .frame"))
        faults = page.faults(axe)
        verdict.check(not faults, f"and in an explanation, {theme}", "\n".join(faults))
        page.shot(shots, f"why-{theme}")
        page.key(Keys.ESCAPE)
    page.theme("light")
    page.width(360)
    verdict.check(page.run("return document.documentElement.scrollWidth") <= 360, "360 pixels suffice, without scrolling sideways")
    faults = page.run("""return [...document.querySelectorAll('button, select')].filter((one) => one.checkVisibility())
        .map((one) => one.getBoundingClientRect()).filter((box) => box.height < 24 || box.right > 361).length""")
    verdict.check(faults == 0, "no control is too small to touch, or cut off", faults)
    page.shot(shots, "narrow")
    page.press(".card .foot button")
    page.wait(lambda: page.all("#why .crop .frame"))
    verdict.check(page.run("const {scrollWidth, clientWidth} = document.getElementById('why'); return scrollWidth <= clientWidth"),
        "an explanation fits, too")
    page.shot(shots, "why-narrow")
    page.key(Keys.ESCAPE)
    page.width(1200)


def keyboard(verdict, page):
    """Nothing but keys, on a page that has just been opened."""
    page.driver.refresh()
    page.wait(lambda: "alexnet_half_width" in page.text("#model-facts"))
    order, hidden = [], []
    for _ in range(10):
        page.key(Keys.TAB)
        name, is_seen = page.focused()
        order.append(name)
        if not is_seen:
            hidden.append(name)
    wanted = ("Skip to the images", "Images", "model-select", "Choose images", "Choose a folder")
    places = [order.index(name) for name in wanted if name in order]
    verdict.check(len(places) == len(wanted) and places == sorted(places), "the focus goes from top to bottom", order)
    verdict.check(not hidden, "and can be seen", hidden)
    page.one("#files").send_keys(str(IMAGES[0]))
    page.wait(lambda: "97.7%" in page.card("dress.jpg"))
    verdict.check("dress.jpg: Dress, 97.7%" in page.run("return document.getElementById('progress-said').textContent"),
        "the answer is said to those who do not see it")
    verdict.check(page.tab_to("Why? Dress, dress.jpg"), "Tab reaches Why?", page.focused())
    page.key(Keys.ENTER)
    page.wait(lambda: page.all("#why canvas"))
    verdict.check(page.tab_to("why-opacity"), "and in the explanation the opacity", page.focused())
    page.key(Keys.ARROW_LEFT, 3)
    verdict.check(page.one("#why-opacity").get_attribute("value") == "57", "which arrows change")
    page.key(Keys.ESCAPE)
    verdict.check(page.wait(lambda: page.focused()[0] == "Why? Dress, dress.jpg"), "Escape leads back", page.focused())
    page.run("document.getElementById('clear').focus()")
    page.key(Keys.ENTER)
    verdict.check(page.wait(lambda: page.focused()[0] == "Choose images"), "Clear leads to the beginning", page.focused())
    page.run("document.querySelector('#snippets [role=tab][aria-selected=true]').focus()")
    page.key(Keys.ARROW_RIGHT)
    verdict.check(
        page.run("return document.activeElement.getAttribute('aria-selected')") == "true", "arrows move between the languages")


def lose_server(verdict, page, options, server, models):
    """The server stops, images are given, and it comes back at the same address."""
    server.terminate()
    server.wait()
    verdict.check(
        page.wait(lambda: "does not answer" in page.text("#notice")), "a server that has stopped is told", page.text("#notice"))
    for name in ("one.png", "two.png", "three.png"):
        page.give("drop", IMAGES[2], name, "image/png")
    verdict.check(
        page.wait(lambda: page.one("#resume").is_displayed()), "images that are given then can be sent again", page.text("#images"))
    with Server(options.binary, "--models", models, "--port", server.port):
        verdict.check(page.wait(lambda: "answers again" in page.text("#notice")), "that it answers again is told", page.text("#notice"))
        verdict.check(
            page.wait(lambda: page.text("#cards").count("Sneaker") >= 3), "and the images are classified by themselves", page.text("#cards"))
        verdict.check(not page.complaints(), "nothing is in the console")


def main():
    parser = make_parser(__doc__.splitlines()[0])
    parser.add_argument("--axe", type=Path, help="the script axe.min.js")
    parser.add_argument("--shots", type=Path, help="a folder for screenshots")
    options = parse(parser)
    axe = options.axe
    package = importlib.util.find_spec("axe_core_python")
    if axe is None and package:
        axe = next(Path(package.submodule_search_locations[0]).glob("**/axe.min.js"), None)
    if options.shots:
        options.shots.mkdir(parents=True, exist_ok=True)
    verdict = Verdict()
    with tempfile.TemporaryDirectory(prefix="alexnet-page-") as folder:
        folder = Path(folder)
        models = folder / "models"
        for name in ("fashion-mnist", "second"):
            shutil.copytree(MODEL, models / name)
        (models / "second" / "history.csv").unlink()
        description = json.loads((models / "second" / "model.json").read_text())
        (models / "second" / "model.json").write_text(json.dumps(description | {"preprocessing": CROPPED}))
        with Server(options.binary, "--models", models) as server, Page(f"http://{server.host}:{server.port}") as page:
            give_images(verdict, page, options.shots)
            explain(verdict, page, options.shots)
            give_many(verdict, page)
            evaluate(verdict, page, folder / "clothes", options.shots)
            operate(verdict, page, server, models, options.shots)
            accessible(verdict, page, axe.read_text() if axe else None, options.shots)
            keyboard(verdict, page)
            complaints = page.complaints()
            verdict.check(not complaints, "nothing is in the console", "\n".join(complaints))
            lose_server(verdict, page, options, server, models)
        if not axe:
            verdict.note("axe-core is not installed: the page's own checks ran alone")
    verdict.finish()


if __name__ == "__main__":
    main()
