// The rule by which an element finds its place in a list: by id, then by order.
import { morphElements } from "@hotwired/turbo";

/** @param {Element} element @returns {number[]} */
function orderOf(element) {
  const order = element instanceof HTMLElement ? element.dataset.order ?? "" : "";
  const [whole = "0", part = "0"] = order.split(".");
  return [Number(whole), Number(`0.${part}`) * (order.startsWith("-") ? -1 : 1)];
}

/** @param {Element} one @param {Element} other */
function isAfter(one, other) {
  const [a, b] = orderOf(one), [c, d] = orderOf(other);
  return a > c || (a === c && b > d);
}

/** @param {Element} list @param {Element} element */
function isAfterFirst(list, element) {
  const first = list.firstElementChild;
  return !first || isAfter(element, first);
}

/** @param {Element} list @param {Element} element */
export function insert(list, element) {
  let next = null;
  // New ones mostly belong to one of the ends.
  for (let at = list.lastElementChild; at && isAfter(at, element); at = at.previousElementSibling) {
    if (at !== element) next = at;
  }
  if (element.parentElement !== list || element.nextElementSibling !== next) {
    list.insertBefore(element, next);
  }
}

/**
 * Replaces what is there, in its place, and inserts what is new where it belongs.
 * A list whose rows a person is about to click holds new ones and new orders back.
 * @param {string | null} target @param {DocumentFragment} content
 */
export function place(target, content) {
  const list = document.getElementById(target ?? "");
  if (!list) return;
  for (const fresh of [...content.children]) {
    const old = document.getElementById(fresh.id);
    if (old && fresh instanceof HTMLElement && "once" in fresh.dataset) continue;
    if (old) morphElements(old, fresh);
    // What lies before the messages that are shown comes with the earlier ones.
    else if ("partial" in list.dataset && !isAfterFirst(list, fresh)) continue;
    const placed = old ?? fresh;
    const wanted = new CustomEvent("placing", { detail: placed, cancelable: true });
    if (list.dispatchEvent(wanted)) insert(list, placed);
  }
}

/** @param {string | null} target */
export function withdraw(target) {
  const row = document.getElementById(target ?? "");
  const list = row?.parentElement;
  if (!row || !list) return;
  const wanted = new CustomEvent("withdrawing", { detail: row, cancelable: true });
  if (list.dispatchEvent(wanted)) row.remove();
}
