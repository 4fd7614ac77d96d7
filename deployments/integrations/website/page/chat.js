// The chat window: sends what the visitor writes, shows what is new, and comes back
// by itself. Without this script the form of the page does the same, more slowly.
(() => {
  "use strict";

  const root = document.getElementById("chat");
  const log = document.getElementById("log");
  const typing = document.getElementById("typing");
  const notice = document.getElementById("notice");
  const form = document.getElementById("form");
  const field = document.getElementById("content");
  const suggestions = document.getElementById("suggestions");
  const followUps = document.getElementById("follow-ups");
  const suggested = [...(suggestions?.elements ?? [])].map((button) => button.value);
  const words = root.dataset;
  const language = document.documentElement.lang;
  const LINK = /(https?:\/\/[^\s<>"'،؛؟«»]*[^\s<>"'،؛؟«».,;:!?()\[\]…])/;
  const SILENCE_MS = 60_000; // The server says something every 25 s.
  const TYPING_MS = 60_000; // An answer that takes longer has failed.
  const MAX_TRIES = 6;

  // --- What is kept in this browser ---------------------------------------------

  const memory = new Map();
  const kept = {
    read(name) {
      try { return localStorage.getItem(`pilito.${words.key}.${name}`); }
      catch { return memory.get(name) ?? null; } // Storage is blocked in some frames.
    },
    write(name, value) {
      memory.set(name, value);
      try { localStorage.setItem(`pilito.${words.key}.${name}`, value); } catch { /* memory has it */ }
    },
  };

  function randomId() {
    const bytes = crypto.getRandomValues(new Uint8Array(18));
    return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
  }

  // --- Who the visitor is -------------------------------------------------------

  // {visitor_id, token}, as the server gave it. An id of former versions has no token,
  // and is forgotten: it opened the conversation to whoever knew it.
  let visitor = null;
  try { visitor = JSON.parse(kept.read("visitor") ?? "null"); } catch { /* a bare id */ }
  if (!visitor?.visitor_id || !visitor?.token) visitor = null;

  // A shop that knows its visitor says so behind #, which no server and no log sees.
  const known = new URLSearchParams(location.hash.slice(1));
  const vouched = known.get("visitor_id") && known.get("visitor_hash")
    ? { visitor_id: known.get("visitor_id"), visitor_hash: known.get("visitor_hash") }
    : null;
  if (vouched && visitor?.visitor_id !== vouched.visitor_id) visitor = null;
  // Without the shop's word this may be the next person at a shared computer, and not the
  // shop's customer any more.
  if (!vouched && visitor?.is_vouched) visitor = null;
  // What somebody wrote waits for the same person, and is never sent by the next one.
  const outboxName = vouched ? `outbox.${vouched.visitor_id}` : "outbox";

  let asking = null;
  function findVisitor() {
    if (visitor) return Promise.resolve(visitor);
    asking ??= askForVisitor().finally(() => { asking = null; });
    return asking;
  }

  async function askForVisitor() {
    const answer = await fetch(addressOf("visitors"), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(vouched ?? {}),
      signal: AbortSignal.timeout(20_000),
    });
    if (!answer.ok) throw failure(answer);
    visitor = { ...await answer.json(), is_vouched: vouched !== null };
    kept.write("visitor", JSON.stringify(visitor));
    return visitor;
  }

  function forgetVisitor() {
    visitor = null;
    cursor = 0;
    kept.write("visitor", "null");
  }

  const addressOf = (what) =>
    new URL(`../webhooks/website/${encodeURIComponent(words.key)}/${what}/`, location.href);

  function failure(answer) {
    const error = new Error(String(answer.status));
    error.status = answer.status;
    error.waitMs = 1000 * Number(answer.headers.get("retry-after") ?? 0);
    return error;
  }

  // --- Showing ------------------------------------------------------------------

  const today = new Intl.DateTimeFormat(language === "fa" ? "fa-IR" : language, { hour: "2-digit", minute: "2-digit" });
  const earlier = new Intl.DateTimeFormat(language === "fa" ? "fa-IR" : language, {
    day: "numeric", month: "long", hour: "2-digit", minute: "2-digit",
  });

  function make(tag, name, text) {
    const element = document.createElement(tag);
    if (name) element.className = name;
    if (text) element.textContent = text;
    return element;
  }

  function fillText(paragraph, text) {
    text.split(LINK).forEach((piece, index) => {
      if (index % 2 === 0) {
        paragraph.append(piece);
        return;
      }
      const link = make("a", "", piece);
      link.href = piece;
      link.target = "_blank";
      link.rel = "noopener noreferrer nofollow";
      paragraph.append(link);
    });
  }

  function makeBubble(author, content, at) {
    const bubble = make("div", `bubble ${author}`);
    bubble.append(make("span", "author", words[author]));
    const paragraph = make("p");
    paragraph.dir = "auto";
    fillText(paragraph, content);
    const foot = make("div", "foot");
    foot.append(make("span", "state"), make("time"));
    bubble.append(paragraph, foot);
    setTime(bubble, at);
    return bubble;
  }

  function setTime(bubble, at) {
    const moment = new Date(at);
    const isToday = moment.toDateString() === new Date().toDateString();
    const time = bubble.querySelector("time");
    time.dateTime = moment.toISOString();
    time.textContent = (isToday ? today : earlier).format(moment);
  }

  const isAtEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 120;
  const scrollToEnd = () => { log.scrollTop = log.scrollHeight; };

  // Stored messages stand by their seq, those on their way after them, the dots last.
  function place(bubble, seq) {
    const follow = isAtEnd();
    if (seq) bubble.dataset.seq = seq;
    let next = typing;
    for (let before = typing.previousElementSibling; before; before = before.previousElementSibling) {
      const other = before.dataset.seq ? Number(before.dataset.seq) : 0;
      const isWaiting = before.classList.contains("waiting") || before.classList.contains("lost");
      if (seq && (isWaiting || other > seq) && before !== bubble) next = before;
      else if (before !== bubble) break;
    }
    if (bubble.nextElementSibling !== next) log.insertBefore(bubble, next);
    offer();
    if (follow) scrollToEnd();
  }

  // A follow-up leans on the question before it: behind another it asks nothing.
  function offer() {
    const bubbles = [...log.querySelectorAll(".bubble:not(.greeting, .typing)")];
    const asked = bubbles.filter((bubble) => bubble.classList.contains("customer"));
    if (suggestions) suggestions.hidden = asked.length > 0;
    if (asked.length) kept.write("begun", "yes");
    if (!followUps) return;
    const isAnswered = asked.length === 1 && bubbles.at(-1) !== asked[0];
    const first = isAnswered ? suggested.indexOf(asked[0].querySelector("p").textContent) : -1;
    const offered = followUps.elements[first];
    for (const button of followUps.elements) button.hidden = button !== offered;
    followUps.hidden = !offered;
  }

  let typingTimer = 0;
  function showTyping(isActive) {
    clearTimeout(typingTimer);
    const follow = isAtEnd();
    typing.hidden = !isActive;
    if (isActive) typingTimer = setTimeout(() => showTyping(false), TYPING_MS);
    if (follow) scrollToEnd();
  }

  function showNotice(text) {
    notice.textContent = text;
    notice.hidden = !text;
  }

  // --- Sending ------------------------------------------------------------------

  const shown = new Map(); // Bubbles of stored messages, by id.
  const outbox = []; // {clientId, content, at, bubble, tries, isLost, isRefused, isTaken}, in order.
  let isSending = false;
  let wakeSender = null;

  function saveOutbox() {
    // What was refused would be refused after each reload again.
    const rows = outbox.filter((item) => !item.isRefused).map(({ clientId, content, at }) => ({ clientId, content, at }));
    kept.write(outboxName, JSON.stringify(rows));
  }

  function enqueue(content, clientId = randomId(), at = Date.now()) {
    const item = { clientId, content, at, bubble: makeBubble("customer", content, at), tries: 0, isLost: false, isRefused: false, isTaken: false };
    outbox.push(item);
    saveOutbox();
    mark(item, "waiting", words.sending);
    place(item.bubble, 0);
    scrollToEnd();
    sendAll();
  }

  function mark(item, name, text) {
    item.bubble.classList.remove("waiting", "lost");
    if (name) item.bubble.classList.add(name);
    const state = item.bubble.querySelector(".state");
    state.textContent = text;
    if (name !== "lost") return;
    const again = make("button", "", words.retry);
    again.type = "button";
    again.addEventListener("click", () => {
      item.isLost = false;
      item.tries = 0;
      mark(item, "waiting", words.sending);
      sendAll();
      field.focus();
    });
    state.append(" ", again);
  }

  function settle(item, message) {
    outbox.splice(outbox.indexOf(item), 1);
    saveOutbox();
    mark(item, "", "");
    const other = shown.get(message.id);
    if (other && other !== item.bubble) {
      item.bubble.remove(); // The socket was faster, and has shown it.
      offer();
      return;
    }
    shown.set(message.id, item.bubble);
    setTime(item.bubble, message.created_at);
    place(item.bubble, message.seq);
  }

  async function post(item) {
    const { visitor_id, token } = await findVisitor();
    const answer = await fetch(addressOf("messages"), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ visitor_id, token, content: item.content, client_id: item.clientId }),
      signal: AbortSignal.timeout(20_000),
    });
    if (answer.ok) {
      resume();
      return settle(item, await answer.json());
    }
    if ([400, 404, 413, 422].includes(answer.status)) {
      item.isLost = item.isRefused = true;
      saveOutbox();
      return mark(item, "lost", words.refused);
    }
    if (answer.status === 409) {
      // The id names another message already: this one needs one of its own.
      item.clientId = randomId();
      saveOutbox();
    }
    if (answer.status === 401) forgetVisitor();
    if (answer.status === 503) reconnect(); // Perhaps it is paused: the socket says why.
    throw failure(answer);
  }

  // One at a time and in order: the second sentence must not overtake the first.
  async function sendAll() {
    if (isSending) return wakeSender?.();
    isSending = true;
    for (let item; (item = outbox.find((found) => !found.isLost)); ) {
      try {
        await post(item);
      } catch (error) {
        if (!isPaused) item.tries += 1;
        if (item.tries >= MAX_TRIES) {
          item.isLost = true;
          mark(item, "lost", words.failed);
          continue;
        }
        const pause = error.waitMs || 1000 * 2 ** (item.tries - 1);
        await new Promise((done) => {
          wakeSender = error.waitMs ? null : done;
          setTimeout(done, Math.min(pause, 60_000));
        });
        wakeSender = null;
      }
    }
    isSending = false;
  }

  // --- Following ----------------------------------------------------------------

  let cursor = 0;
  let socket = null;
  let failures = 0;
  let silenceTimer = 0;
  let reconnectTimer = 0;
  let isGone = false;
  let isPaused = false;

  function onMessage(message) {
    cursor = Math.max(cursor, message.seq);
    if (message.author !== "customer") showTyping(false);
    if (shown.has(message.id)) return;
    // Ours, told by the socket before the answer to our own request came.
    const own = message.author === "customer"
      && outbox.find((item) => !item.isTaken && item.content === message.content);
    if (own) {
      own.isTaken = true;
      mark(own, "", "");
    }
    const bubble = own ? own.bubble : makeBubble(message.author, message.content, message.created_at);
    shown.set(message.id, bubble);
    setTime(bubble, message.created_at);
    place(bubble, message.seq);
  }

  function onFrame(event) {
    watchSilence();
    resume();
    const frame = JSON.parse(event.data);
    if (frame.type === "message") onMessage(frame);
    else if (frame.type === "typing") showTyping(frame.is_active);
  }

  function watchSilence() {
    clearTimeout(silenceTimer);
    silenceTimer = setTimeout(() => { socket?.close(); lose(0); }, SILENCE_MS);
  }

  function lose(code) {
    clearTimeout(silenceTimer);
    if (socket) socket.onopen = socket.onmessage = socket.onclose = null;
    socket = null;
    showTyping(false);
    if (code === 4400 && cursor) {
      // The shop's messages are counted anew: all of them are told again.
      cursor = 0;
    } else if (code === 4400 || code === 4404) {
      isGone = true;
      showNotice(words.gone);
      for (const part of document.querySelectorAll("textarea, button")) part.disabled = true;
      return;
    }
    if (code === 4401) forgetVisitor();
    isPaused = code === 4423;
    failures += 1;
    // The first loss is mostly a moment; a word about it would only flicker.
    if (isPaused) showNotice(words.paused);
    else if (failures > 1) showNotice(notice.dataset.offline);
    const longest = code === 4429 || isPaused ? 60_000 : Math.min(30_000, 500 * 2 ** failures);
    clearTimeout(reconnectTimer);
    reconnectTimer = setTimeout(connect, longest * (0.5 + Math.random() / 2));
  }

  function resume() {
    if (!isPaused) return;
    isPaused = false;
    showNotice("");
  }

  function reconnect() {
    if (!socket) return;
    socket.close();
    lose(0);
  }

  let isConnecting = false;
  async function connect() {
    clearTimeout(reconnectTimer);
    if (socket || isGone || isConnecting) return;
    isConnecting = true;
    try {
      open(await findVisitor());
    } catch (error) {
      // Of the 503s only a pause tells to wait for a minute.
      const isPause = error.status === 503 && error.waitMs >= 60_000;
      lose(isPause ? 4423 : [401, 404, 422].includes(error.status) ? 4404 : 0);
    } finally {
      isConnecting = false;
    }
  }

  function open({ visitor_id, token }) {
    const address = new URL(`../ws/website/${encodeURIComponent(words.key)}/${visitor_id}`, location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    address.search = cursor ? `?since=${cursor}` : "";
    // The token is no part of the address, which may be logged on the way.
    const opened = new WebSocket(address, ["pilito.visitor", token]);
    socket = opened;
    opened.onopen = () => {
      failures = isPaused ? failures : 0;
      if (!isPaused) showNotice("");
      watchSilence();
      sendAll();
    };
    opened.onmessage = onFrame;
    opened.onclose = (event) => { if (socket === opened) lose(event.code); };
    watchSilence();
  }

  addEventListener("online", () => { failures = 0; connect(); sendAll(); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) { connect(); sendAll(); } });

  // --- Writing ------------------------------------------------------------------

  function fit() {
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight + 2}px`;
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const content = field.value.trim();
    if (!content) return;
    field.value = "";
    fit();
    enqueue(content);
    field.focus();
  });
  field.addEventListener("input", fit);
  field.addEventListener("keydown", (event) => {
    // On a phone Enter is the only way to a new line; the button sends there.
    const isKeyboard = matchMedia("(pointer: fine)").matches;
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && isKeyboard) {
      event.preventDefault();
      form.requestSubmit();
    }
  });

  for (const offered of [suggestions, followUps]) {
    offered?.addEventListener("submit", (event) => {
      event.preventDefault();
      enqueue(event.submitter.value);
      // The button is gone; on a phone the keyboard would hide the answer.
      (matchMedia("(pointer: fine)").matches ? field : log).focus();
    });
  }
  // The conversation comes in a moment: what it would hide must not flicker.
  if (suggestions && kept.read("begun")) suggestions.hidden = true;

  let unsent = [];
  try { unsent = JSON.parse(kept.read(outboxName) ?? "[]"); } catch { /* not ours */ }
  for (const { content, clientId, at } of unsent) enqueue(content, clientId, at);
  connect();
  if (matchMedia("(pointer: fine)").matches) field.focus();
})();
