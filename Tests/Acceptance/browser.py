"""Headless Chromium with a page: gives it files, waits for it, and checks how accessible it is.

Wants Debian's chromium, chromium-driver and python3-selenium.
"""

import base64
import shutil
import time
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

# Files of the page's own making, from base64.
MAKE_FILES = """
const bytes = Uint8Array.from(atob(arguments[0]), (character) => character.charCodeAt(0));
const transfer = new DataTransfer();
for (let i = 0; i < arguments[3]; i += 1) transfer.items.add(new File([bytes], arguments[1], {type: arguments[2]}));
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

    def key(self, key, count=1):
        """Presses a key where the focus is."""
        for _ in range(count):
            self.driver.switch_to.active_element.send_keys(key)

    def focused(self):
        """What has the focus: its identifier, label or text, and whether that can be seen."""
        return self.run("""
            const one = document.activeElement;
            return [one.id || one.getAttribute('aria-label') || one.textContent.trim().slice(0, 40), getComputedStyle(one).outlineStyle !== 'none']""")

    def tab_to(self, name, limit=40):
        """Presses Tab until something has the focus; whether it got it."""
        for _ in range(limit):
            self.key(Keys.TAB)
            if self.focused()[0] == name:
                return True
        return False

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

    def give(self, how, path, name, media_type="image/jpeg", count=1):
        """Drops or pastes a file, or several that are alike."""
        content = base64.b64encode(Path(path).read_bytes()).decode()
        self.run(MAKE_FILES + EVENTS[how], content, name, media_type, count)

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

    def faults(self, axe=None):
        """What keeps people out, by the checks above and, if its script is given, by axe-core."""
        found = self.run(OWN_CHECKS)
        if axe:
            self.run(axe)
            found += self.driver.execute_async_script(AXE)
        return found

    def complaints(self):
        """What is in the console, besides the answers that a test provokes."""
        return [
            entry["message"] for entry in self.driver.get_log("browser")
            if entry["level"] in ("SEVERE", "WARNING") and "Failed to load resource" not in entry["message"]
        ]

    def shot(self, folder, name):
        if folder:
            self.driver.save_screenshot(str(folder / f"{name}.png"))
