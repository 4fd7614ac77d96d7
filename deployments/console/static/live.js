// The live channel: a socket with a cursor; an outage is caught up from where it began.
import { Controller } from "@hotwired/stimulus";
import { renderStreamMessage, visit } from "@hotwired/turbo";

/** Pauses between attempts, in milliseconds. */
const FIRST_MS = 500;
const LONGEST_MS = 15_000;
const STALE = 4400;
const SIGNED_OUT = 4401;

export default class LiveController extends Controller {
  static values = { view: String, shown: String };

  pause = FIRST_MS;
  timer = 0;
  isConnected = false;
  onReturn = () => this.reopen();
  /** @type {WebSocket | undefined} */
  socket;

  get page() {
    return /** @type {HTMLElement} */ (this.element);
  }

  connect() {
    this.isConnected = true;
    addEventListener("online", this.onReturn);
    addEventListener("pageshow", this.onReturn);
    this.open();
  }

  disconnect() {
    this.isConnected = false;
    removeEventListener("online", this.onReturn);
    removeEventListener("pageshow", this.onReturn);
    this.close();
  }

  viewValueChanged() {
    this.reopen(true);
  }

  shownValueChanged() {
    this.reopen(true);
  }

  /** @param {boolean} [isOther] whether the page shows something else now */
  reopen(isOther = false) {
    const isOpen = this.socket !== undefined && this.socket.readyState <= WebSocket.OPEN;
    if (!this.isConnected || (isOpen && !isOther)) return;
    this.close();
    this.open();
  }

  close() {
    clearTimeout(this.timer);
    if (this.socket) this.socket.onclose = null;
    this.socket?.close();
    this.socket = undefined;
  }

  open() {
    const { liveViewValue = "", liveShownValue = "", liveCursorValue = "" } = this.page.dataset;
    const query = new URLSearchParams({ view: liveViewValue, since: liveCursorValue });
    if (liveShownValue) query.set("shown", liveShownValue);
    const url = new URL(`/console/live?${query}`, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = this.socket = new WebSocket(url);
    socket.onmessage = ({ data }) => this.take(JSON.parse(data));
    socket.onclose = ({ code }) => this.retry(code);
  }

  /** @param {{ cursor?: string, html?: string }} frame */
  take({ cursor, html }) {
    this.pause = FIRST_MS;
    this.tell("");
    if (html) renderStreamMessage(html);
    // After the rendering: a frame that fails is asked for again.
    if (cursor) this.page.dataset.liveCursorValue = cursor;
  }

  /** @param {number} code */
  retry(code) {
    const connection = document.getElementById("connection");
    this.tell(connection?.dataset.offline ?? "");
    if (code === SIGNED_OUT || code === STALE) {
      visit(location.href, { action: "replace" });
      return;
    }
    this.timer = setTimeout(() => this.open(), this.pause * (0.5 + Math.random() / 2));
    this.pause = Math.min(2 * this.pause, LONGEST_MS);
  }

  /** @param {string} text */
  tell(text) {
    const connection = document.getElementById("connection");
    if (connection && connection.textContent !== text) connection.textContent = text;
  }
}
