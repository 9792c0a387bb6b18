#!/usr/bin/env python3
"""The page at `/` in a real headless Chromium, against the built server.

Images are chosen, dropped and pasted; a folder is evaluated; a file that is no image, a switch of the model, a reload and a server
that stops are told; an answer is explained; the live panel and the training's curve move. Everything works by the keyboard, in both
themes and at a width of 360 pixels, and axe-core finds no fault where PyPI's `axe-core-python` is installed or `--axe` names its
script; the page's own checks run everywhere.

Wants Debian's chromium, chromium-driver and python3-selenium.
"""

import base64
import importlib.util
import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from acceptance import ROOT, Server, Verdict, make_parser, parse
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

IMAGES = [ROOT / "docs" / name for name in ("dress.jpg", "jeans.jpg", "sneaker.png")]
MODEL = ROOT / "weights" / "fashion-mnist"
CLOTHES = {"dress": "Dress", "trousers": "Trouser"}
LANGUAGES = ["curl", "Python", "JavaScript"]

# A file of the page's own making, from base64.
MAKE_FILE = """
const bytes = Uint8Array.from(atob(arguments[0]), (character) => character.charCodeAt(0));
const transfer = new DataTransfer();
transfer.items.add(new File([bytes], arguments[1], {type: arguments[2]}));
"""
EVENTS = {
    "drop": "document.dispatchEvent(new DragEvent('drop', {dataTransfer: transfer, bubbles: true, cancelable: true}));",
    "paste": "document.dispatchEvent(new ClipboardEvent('paste', {clipboardData: transfer, bubbles: true}));",
}

# Text whose contrast with its background is too low, controls without a name, and images without alt (WCAG 2.2 AA).
OWN_CHECKS = """
const faults = [];
const channel = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
const parse = (text) => text.match(/[\\d.]+/g).map(Number);
const luminance = ([red, green, blue]) =>
  0.2126 * channel(red / 255) + 0.7152 * channel(green / 255) + 0.0722 * channel(blue / 255);
const background = (element) => {
  for (let one = element; one; one = one.parentElement) {
    const colour = parse(getComputedStyle(one).backgroundColor);
    if (colour.length === 3 || colour[3] > 0.99) return colour;
  }
  return [255, 255, 255];
};
for (const element of document.querySelectorAll('body *')) {
  const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  if (!hasText || !element.checkVisibility() || element.closest('.visually-hidden, .skip, option')) continue;
  const [one, other] = [luminance(parse(getComputedStyle(element).color)), luminance(background(element))];
  const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  if (contrast < 4.5) faults.push(`contrast ${contrast.toFixed(2)}: ${element.outerHTML.slice(0, 120)}`);
}
for (const control of document.querySelectorAll('button, select, input, a')) {
  if (!control.checkVisibility()) continue;
  const name = control.getAttribute('aria-label') || control.textContent.trim() || control.labels?.[0]?.textContent.trim();
  if (!name) faults.push(`no name: ${control.outerHTML.slice(0, 120)}`);
}
for (const image of document.querySelectorAll('img')) {
  if (!image.hasAttribute('alt')) faults.push(`no alt: ${image.src.slice(0, 80)}`);
}
return faults;
"""

AXE = """
const done = arguments[0];
axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']}).then((results) => done(
  results.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 160)).join(' | ')}`)));
"""

SAVED = """
const done = arguments[0];
const made = [];
const make = URL.createObjectURL;
URL.createObjectURL = (blob) => { made.push(blob); return make(blob); };
document.getElementById('save').click();
URL.createObjectURL = make;
made[0].text().then(done);
"""


class Page:
    """Chromium with the page of a server."""

    def __init__(self, url):
        options = webdriver.ChromeOptions()
        for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1200,900"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(service=Service(shutil.which("chromedriver")), options=options)
        self.driver.set_page_load_timeout(60)
        self.driver.set_script_timeout(60)
        self.driver.get(url)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.driver.quit()

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def press(self, selector, index=0):
        """A click in the middle of the window, so that nothing covers the element."""
        self.run(
            "arguments[0].scrollIntoView({block: 'center', behavior: 'instant'}); arguments[0].click()",
            self.all(selector)[index])

    def text(self, selector):
        return " ".join(element.text for element in self.all(selector))

    def wait(self, condition, seconds=30):
        """Whether the condition becomes true in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if condition():
                    return True
            except Exception:  # an element that was read has been replaced
                pass
            time.sleep(0.05)
        return False

    def give(self, how, path, name, media_type="image/jpeg"):
        """Drops or pastes a file."""
        content = base64.b64encode(Path(path).read_bytes()).decode()
        self.run(MAKE_FILE + EVENTS[how], content, name, media_type)

    def card(self, name):
        """The text of an image's card."""
        for card in self.all(".card"):
            if card.find_element(By.CSS_SELECTOR, ".name").text == name:
                return card.text
        return ""

    def theme(self, theme):
        features = [{"name": "prefers-color-scheme", "value": theme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def width(self, width):
        metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def complaints(self):
        """What is in the console, besides the answers that a test provokes."""
        return [
            entry["message"] for entry in self.driver.get_log("browser")
            if entry["level"] in ("SEVERE", "WARNING") and "Failed to load resource" not in entry["message"]
        ]

    def shot(self, folder, name):
        if folder:
            self.driver.save_screenshot(str(folder / f"{name}.png"))


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
    faults = page.run(OWN_CHECKS)
    verdict.check(not faults, "the explanation has contrast, names and alternative texts", "\n".join(faults))
    page.driver.switch_to.active_element.send_keys(Keys.ESCAPE)
    verdict.check(page.wait(lambda: not page.one("#why").get_attribute("open")), "Escape closes it")


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
    rows = page.driver.execute_async_script(SAVED).strip().split("\r\n")
    verdict.check(
        len(rows) == count + 3 and rows[0].startswith("file,folder,class,probability"), "all answers are saved as CSV", rows[:2])
    page.shot(shots, "evaluation")


def operate(verdict, page, server, models, shots):
    Select(page.one("#model-select")).select_by_visible_text("second")
    answered = lambda: page.text(".card .about")
    verdict.check(
        page.wait(lambda: "second" in answered() and "fashion-mnist" not in answered() and "Waiting" not in answered(), 60),
        "another model classifies the images again", answered())
    verdict.check("/v1/models/second/predict" in page.text("#snippets"), "the lines to copy name it", page.text("#snippets"))
    line = page.text("#snippets code").replace("photo.jpg", str(IMAGES[0])).replace("curl", "curl -s", 1)
    answer = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=60)
    verdict.check('"class":"Dress"' in answer.stdout, "the line for curl works as it is", answer)
    for index, language in enumerate(LANGUAGES):
        page.press("#snippets [role=tab]", index)
        verdict.check(
            f"http://{server.host}:{server.port}" in page.text("#snippets code"), f"there are lines for {language}",
            page.text("#snippets"))

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


def accessible(verdict, page, axe, shots):
    for theme in ("light", "dark"):
        page.theme(theme)
        page.wait(lambda: page.run("return matchMedia('(prefers-color-scheme: dark)').matches") == (theme == "dark"))
        time.sleep(0.3)  # until the colours have changed
        faults = page.run(OWN_CHECKS)
        verdict.check(not faults, f"contrast of at least 4.5, names and alternative texts, {theme}", "\n".join(faults))
        if axe:
            page.run(axe)
            found = page.driver.execute_async_script(AXE)
            verdict.check(not found, f"axe-core finds no fault, {theme}", "\n".join(found))
        page.run("window.scrollTo(0, 0)")
        page.shot(shots, theme)
    page.theme("light")
    page.width(360)
    verdict.check(page.run("return document.documentElement.scrollWidth") <= 360, "360 pixels suffice, without scrolling sideways")
    faults = page.run("""return [...document.querySelectorAll('button, select')].filter((one) => one.checkVisibility())
        .map((one) => one.getBoundingClientRect()).filter((box) => box.height < 24 || box.right > 361).length""")
    verdict.check(faults == 0, "no control is too small to touch, or cut off", faults)
    page.shot(shots, "narrow")
    page.width(1200)


def keyboard(verdict, page):
    # Where the focus would begin on a page that has just been opened.
    page.run("document.activeElement.blur(); window.getSelection().collapse(document.body, 0); window.scrollTo(0, 0)")
    order, hidden = [], []
    for _ in range(14):
        page.driver.switch_to.active_element.send_keys(Keys.TAB)
        name, outline = page.run("""
            const one = document.activeElement;
            return [one.id || one.getAttribute('aria-label') || one.textContent.slice(0, 40), getComputedStyle(one).outlineStyle]""")
        order.append(name)
        if outline == "none" and page.run("return document.activeElement !== document.body"):
            hidden.append(name)
    wanted = ("Skip to the images", "model-select", "Choose images", "Choose a folder")
    places = [order.index(name) for name in wanted if name in order]
    verdict.check(len(places) == len(wanted) and places == sorted(places), "the focus goes from top to bottom", order)
    verdict.check(not hidden, "and can be seen", hidden)
    page.run("document.querySelector('#snippets [role=tab][aria-selected=true]').focus()")
    page.driver.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    verdict.check(
        page.run("return document.activeElement.getAttribute('aria-selected')") == "true", "arrows move between the languages")


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
        with Server(options.binary, "--models", models) as server, Page(f"http://{server.host}:{server.port}") as page:
            give_images(verdict, page, options.shots)
            explain(verdict, page, options.shots)
            evaluate(verdict, page, folder / "clothes", options.shots)
            operate(verdict, page, server, models, options.shots)
            accessible(verdict, page, axe.read_text() if axe else None, options.shots)
            keyboard(verdict, page)
            complaints = page.complaints()
            verdict.check(not complaints, "nothing is in the console", "\n".join(complaints))
            server.terminate()
            server.wait()
            verdict.check(
                page.wait(lambda: "does not answer" in page.text("#notice")), "a server that has stopped is told",
                page.text("#notice"))
        if not axe:
            verdict.note("axe-core is not installed: the page's own checks ran alone")
    verdict.finish()


if __name__ == "__main__":
    main()
