/** Runs in the page, where it is sent as text: each function must stand for itself. */

/**
 * Texts that stand out too little from what is behind them, as `text (ratio)`: WCAG 2.2 §1.4.3 asks for 4.5:1, and for
 * 3:1 where letters are large. What is disabled is exempt.
 */
export function faintTexts() {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });

  /** Any CSS colour as it is painted: red, green, blue to 255, alpha to 1. */
  function parse(colour) {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  }
  function over([red, green, blue, alpha], [...ground]) {
    return [red, green, blue].map((value, at) => value * alpha + ground[at] * (1 - alpha)).concat(1);
  }
  function behind(node) {
    if (node === null) return [255, 255, 255, 1];
    const own = parse(getComputedStyle(node).backgroundColor);
    return own[3] === 1 ? own : over(own, behind(node.parentElement));
  }
  function luminance(colour) {
    const [red, green, blue] = colour.map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  }
  function ratio(node) {
    const ground = behind(node);
    const letters = over(parse(getComputedStyle(node).color), ground);
    const [dark, light] = [luminance(ground), luminance(letters)].toSorted((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  }
  function needed(node) {
    const { fontSize, fontWeight } = getComputedStyle(node);
    const size = Number.parseFloat(fontSize);
    return size >= 24 || (size >= 18.66 && Number(fontWeight) >= 700) ? 3 : 4.5;
  }
  function hasText(node) {
    return [...node.childNodes].some((child) => child.nodeType === Node.TEXT_NODE && child.textContent.trim() !== '');
  }
  return [...document.querySelectorAll('body *')]
    .filter((node) => hasText(node) && node.checkVisibility({ opacityProperty: true, visibilityProperty: true }))
    .filter((node) => !node.matches(':disabled, :disabled *'))
    .filter((node) => ratio(node) < needed(node))
    .map((node) => `${node.textContent.trim()} (${ratio(node).toFixed(2)})`);
}

/** Elements that stick out of the window to the side, as tag, id and class. */
export function overflowing() {
  const width = document.documentElement.clientWidth;
  return [...document.querySelectorAll('body *')]
    .filter((node) => {
      const { left, right, width: own } = node.getBoundingClientRect();
      return own > 1 && (right > width + 1 || left < -1);
    })
    .map((node) => `${node.tagName.toLowerCase()}#${node.id}.${node.className}`);
}

/** No colour is on its way to another; what breathes for ever does not count. */
export function isStill() {
  return document.getAnimations().every((motion) => motion instanceof CSSAnimation);
}

/** Does every product that is listed have this in its name, in small letters? */
export function listsOnly(part) {
  return [...document.querySelectorAll('#products .name')].every((name) =>
    name.textContent.toLowerCase().includes(part),
  );
}
