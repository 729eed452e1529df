"use strict";
// Keeps the changing part of a page fresh, and says so when it cannot. Everything works without it.

const live = document.querySelector(".live");
const trouble = document.getElementById("trouble");
const usual_ms = 2000;
const most_ms = 30000;
let wait_ms = usual_ms;
let last_html = "";

function complain(text) {
  trouble.textContent = text;
  trouble.hidden = text === "";
}

// A selection, or focus inside of the old part, would be lost: then the old part stays a while.
function isInUse() {
  const selection = document.getSelection();
  const selected = selection && !selection.isCollapsed && live.contains(selection.anchorNode);
  return selected || (live.contains(document.activeElement) && document.activeElement !== live);
}

function isDone() {
  const mark = live.querySelector("[data-done]");
  return mark !== null && mark.dataset.done === "yes";
}

async function refresh() {
  if (document.hidden || isInUse()) return;
  try {
    const reply = await fetch(live.dataset.part, { credentials: "same-origin", redirect: "error" });
    if (reply.status === 401) {
      location.reload();
      return;
    }
    if (!reply.ok) throw new Error(String(reply.status));
    const html = await reply.text();
    if (html !== last_html) live.innerHTML = html;
    last_html = html;
    wait_ms = usual_ms;
    complain("");
  } catch {
    wait_ms = Math.min(wait_ms * 2, most_ms);
    complain("The head does not answer. What you see may be old; trying again.");
  }
}

async function keepFresh() {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, wait_ms));
    if (isDone()) return;
    await refresh();
  }
}

for (const form of document.querySelectorAll("form[data-busy]")) {
  form.addEventListener("submit", () => {
    const button = form.querySelector("button");
    button.dataset.label = button.textContent;
    button.textContent = form.dataset.busy;
    button.disabled = true;
  });
}

// Coming back through the browser's history shows the page as it was left.
window.addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("button[data-label]")) {
    button.textContent = button.dataset.label;
    button.disabled = false;
  }
});

const command = document.getElementById("command");
if (command) {
  command.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) command.form.requestSubmit();
  });
}

if (live) keepFresh();
