"use strict";
// Hover, choice of a user, neighbours. Text reaches the page by textContent only.
(() => {
  const users = JSON.parse(document.getElementById("users").textContent);
  const number = new Map(users.map((user, i) => [user.id, i]));
  const tip = document.getElementById("tip");
  const chosen = document.getElementById("chosen");
  const input = document.getElementById("user");
  const told = chosen ? [...chosen.children] : [];
  let current = -1;

  const say = (user) => [user.id, ...Object.entries(user.labels).map(([task, label]) => `${task}: ${label}`)].join(", ");

  const make = (name, text) => {
    const element = document.createElement(name);
    element.textContent = text;
    return element;
  };

  const card = (user, heading) => {
    const part = document.createElement("div");
    part.append(heading);
    const list = document.createElement("ul");
    for (const line of user.lines) list.append(make("li", line));
    if (user.lines.length) part.append(list);
    return part;
  };

  const mark = (i, near) => {
    for (const drawn of document.querySelectorAll("use[data-user]")) {
      const n = Number(drawn.dataset.user);
      drawn.classList.toggle("chosen", n === i);
      drawn.classList.toggle("near", near.has(n));
    }
  };

  const choose = (i) => {
    current = i;
    const user = users[i];
    input.value = user.id;
    chosen.replaceChildren(card(user, make("h3", say(user))));
    for (const [id, cosine] of user.near) {
      const shown = number.get(id);
      const heading = document.createElement("div");
      if (shown === undefined) {
        heading.append(make("b", id), ` cosine ${cosine.toFixed(3)} (not drawn)`);
        chosen.append(card({ lines: [] }, heading));
        continue;
      }
      const button = make("button", say(users[shown]));
      button.type = "button";
      button.addEventListener("click", () => choose(shown));
      heading.append(button, ` cosine ${cosine.toFixed(3)}`);
      chosen.append(card(users[shown], heading));
    }
    mark(i, new Set(user.near.map(([id]) => number.get(id))));
  };

  const find = () => {
    const id = number.has(input.value) ? input.value : input.value.trim();
    if (number.has(id)) return choose(number.get(id));
    current = -1;
    mark(-1, new Set());
    if (!id) return chosen.replaceChildren(...told);
    const none = make("p", `No entity ${id} is among those on the map.`);
    none.className = "quiet";
    chosen.replaceChildren(none);
  };

  const show = (event) => {
    const over = event.target.closest ? event.target.closest("[data-tip],[data-user]") : null;
    tip.hidden = !over;
    if (!over) return;
    tip.textContent = over.dataset.tip ?? say(users[Number(over.dataset.user)]);
    const { width, height } = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(4, Math.min(event.clientX + 12, innerWidth - width - 4))}px`;
    tip.style.top = `${event.clientY + 16 + height > innerHeight ? event.clientY - height - 8 : event.clientY + 16}px`;
  };
  document.addEventListener("pointermove", show);
  document.addEventListener("pointerdown", show);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") tip.hidden = true; });

  if (!input) return;
  document.getElementById("user-ids").append(...users.map((user) => {
    const option = document.createElement("option");
    option.value = user.id;
    return option;
  }));
  input.addEventListener("change", find);
  document.getElementById("next").addEventListener("click", () => choose((current + 1) % users.length));
  document.getElementById("previous").addEventListener("click", () => choose((Math.max(current, 0) - 1 + users.length) % users.length));
  document.addEventListener("click", (event) => {
    const drawn = event.target.closest ? event.target.closest("use[data-user]") : null;
    if (drawn) choose(Number(drawn.dataset.user));
  });
  const colour = document.getElementById("colour");
  const paint = () => document.querySelectorAll(".map").forEach((map, i) => { map.hidden = i !== (colour?.selectedIndex ?? 0); });
  colour?.addEventListener("change", paint);
  paint();
  document.querySelector(".controls").hidden = chosen.hidden = false; // without a script they would do nothing
})();
