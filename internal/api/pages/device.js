// Waits until somebody has entered the code of the page at the provider, and
// then goes where the login was to lead.
"use strict";

const device = document.getElementById("device");
const statusLine = document.getElementById("device-status");
const again = document.getElementById("device-again");
const slowDown = 5; // seconds more between two questions (RFC 8628, section 3.5)

let interval = Number(device.dataset.interval) || 5;
const lifetime = Number(device.dataset.lifetime);
const end = lifetime > 0 ? Date.now() + lifetime * 1000 : Infinity;

const refusals = {
  expired_token: "The code has expired.",
  access_denied: "The login was refused at the provider.",
};

function stop(text) {
  statusLine.setAttribute("role", "alert");
  statusLine.classList.add("fault");
  statusLine.textContent = text;
  document.getElementById("user-code").classList.add("over");
  again.focus();
}

function askLater() {
  if (Date.now() >= end) {
    stop(refusals.expired_token);
    return;
  }
  setTimeout(ask, interval * 1000);
}

async function ask() {
  let response;
  let body;
  try {
    response = await fetch(device.dataset.poll, { headers: { Accept: "application/json" } });
    body = await response.json();
  } catch {
    askLater(); // the network may come back
    return;
  }
  if (response.ok && typeof body.redirect_url === "string") {
    statusLine.textContent = "Signed in.";
    const to = new URL(body.redirect_url, location.origin);
    location.replace(to.origin === location.origin ? to.href : "/");
    return;
  }
  if (response.status === 429 || response.status === 503) {
    interval = Math.max(interval, Number(response.headers.get("Retry-After")) || 0);
    askLater();
    return;
  }
  switch (body.detail) {
    case "slow_down":
      interval += slowDown;
      askLater();
      return;
    case "authorization_pending":
      askLater();
      return;
  }
  stop(refusals[body.detail] || [body.message, body.detail].filter(Boolean).join(" "));
}

askLater();
