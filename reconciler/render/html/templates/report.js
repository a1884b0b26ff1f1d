"use strict";
// All text comes in as data and goes out as text nodes: nothing here reads markup.
(() => {
  const STEP = 100, PRINTED = 300;
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);
  const list = byId("engines");

  const element = (name, className, ...children) => {
    const made = document.createElement(name);
    if (className) made.className = className;
    made.append(...children);
    return made;
  };

  // ── commands to copy ────────────────────────────────────────────────────────────────────────────────────────
  const copied = (button, code) => {
    const done = () => {
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    };
    const byHand = () => {
      const range = document.createRange();
      range.selectNodeContents(code);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      if (document.execCommand("copy")) done();
    };
    if (navigator.clipboard) navigator.clipboard.writeText(code.textContent).then(done, byHand);
    else byHand();
  };
  const readied = (button) => {
    const code = button.previousElementSibling;
    button.hidden = false;
    button.setAttribute("aria-label", "Copy " + code.textContent);
    button.addEventListener("click", () => copied(button, code));
    return button;
  };
  const hintLine = (pieces) => {
    const line = element("p");
    for (const [text, kind] of pieces) {
      if (kind === "text") line.append(text);
      else if (kind === "code") line.append(element("code", "", text));
      else {
        const button = element("button", "copy", "Copy");
        button.type = "button";
        line.append(element("span", "command", element("code", "", text), button));
        readied(button);
      }
    }
    return line;
  };
  document.querySelectorAll("button.copy").forEach(readied);
  if (!list) return;

  // ── one engine ──────────────────────────────────────────────────────────────────────────────────────────────
  const head = (names) => {
    const row = element("tr");
    for (const name of names) {
      const cell = element("th", "", name);
      cell.scope = "col";
      row.append(cell);
    }
    return element("thead", "", row);
  };
  const side = (text, name) => {
    const cell = element("td", "text");
    if (text !== null && text !== undefined) cell.append(element(name, "", text));
    return cell;
  };
  const valuesTable = (values, names = { old: "Before", new: "After" }, caption = "") => {
    const sides = values.some((value) => value.old !== undefined) ? ["old", "new"] : ["new"];
    const columns = element("colgroup", "", element("col", "field"), ...sides.map(() => element("col")));
    const body = element("tbody");
    for (const value of values) {
      const field = element("th", "", value.field);
      field.scope = "row";
      body.append(element("tr", "", field, ...sides.map((one) => side(value[one], one === "old" ? "del" : "ins"))));
    }
    const title = caption ? [element("caption", "", caption)] : [];
    return element("table", "sides", ...title, columns, head(["Field", ...(sides.length === 1 ? ["Value"] : sides.map((one) => names[one]))]), body);
  };
  const textTable = (text) => {
    const one = text.sides === 1;
    const body = element("tbody");
    for (const row of text.rows) {
      if (typeof row === "string") {
        const cell = element("td", "hunk", row);
        cell.colSpan = one ? 1 : 2;
        body.append(element("tr", "", cell));
      } else if (one) body.append(element("tr", "", side(row[0], "del"), side(row[1], "ins")));
      else if (row.length === 1) body.append(element("tr", "", element("td", "text", row[0]), element("td", "text again", row[0])));
      else body.append(element("tr", "", side(row[0], "del"), side(row[1], "ins")));
    }
    if (one) body.querySelectorAll("td:empty").forEach((cell) => cell.remove());
    const names = one ? [text.rows.some((row) => row[0] !== null) ? "Before" : "After"] : ["Before", "After"];
    return element("table", "sides", element("caption", "", text.title), head(names), body);
  };
  const historyTable = (rows) => {
    const told = data.historyHead.map((_, index) => rows.some((row) => row[index]));
    const kept = (cells) => cells.filter((_, index) => told[index]);
    const body = element("tbody");
    for (const row of rows) body.append(element("tr", "", ...kept(row).map((text) => element("td", "", text))));
    return element("table", "history", element("caption", "", "History"), head(kept(data.historyHead)), body);
  };
  const bodyOf = (engine) => {
    const body = element("div", "body");
    if (engine.happens) body.append(element("p", "", engine.happens));
    if (engine.guard) body.append(element("p", "guard", engine.guard));
    if (engine.about) {
      const facts = element("dl");
      for (const [name, value] of engine.about) facts.append(element("dt", "", name), element("dd", "", value));
      body.append(facts);
    }
    if (engine.hint) body.append(element("div", "hint", element("span", "name", "Hint"), ...engine.hint.map(hintLine)));
    if (engine.values) body.append(valuesTable(engine.values));
    if (engine.drift) body.append(valuesTable(engine.drift, { old: "In the lockfile", new: "On the platform" }, "Drift"));
    for (const text of engine.texts || []) body.append(textTable(text));
    if (engine.note) body.append(element("p", "note", engine.note));
    if (engine.history) body.append(historyTable(engine.history));
    return body;
  };
  const filled = (details, engine) => {
    if (details.childElementCount === 1) details.append(bodyOf(engine));
  };
  const detailsOf = (engine) => {
    const state = data.states[engine.state];
    const sign = element("span", "sign", engine.sign || state.sign);
    sign.setAttribute("aria-hidden", "true");
    const summary = element("summary", "", sign, element("span", "key", engine.key), element("span", "label", engine.label || state.label));
    if (engine.facts) summary.append(element("span", "facts-of", engine.facts));
    if (engine.origin) summary.append(element("span", "origin", data.origins[engine.origin]));
    const details = element("details", "engine " + (engine.tone || state.tone), summary);
    if (engine.open) {
      filled(details, engine);
      details.open = true;
    }
    details.addEventListener("toggle", () => { if (details.open) filled(details, engine); });
    return details;
  };

  // ── all of them ─────────────────────────────────────────────────────────────────────────────────────────────
  const engines = data.engines.concat(data.plain.map((key) => ({ key, state: data.plainState, happens: data.plainHappens, group: data.plainGroup })));
  const haystacks = new Map();
  const haystack = (engine) => {
    let text = haystacks.get(engine);
    if (text === undefined) {
      const about = (engine.about || []).map((fact) => fact[1]);
      text = [engine.key, engine.facts, engine.search, engine.label || data.states[engine.state].label, ...about].join("\n").toLowerCase();
      haystacks.set(engine, text);
    }
    return text;
  };
  const chips = [...document.querySelectorAll(".chip")];
  const pressed = (name) => new Set(
    chips.filter((chip) => chip.dataset[name] !== undefined && chip.getAttribute("aria-pressed") === "true").map((chip) => chip.dataset[name]),
  );
  const search = byId("search"), more = byId("more"), fold = byId("fold"), clear = byId("clear");
  let matching = engines, shown = 0, group;

  const number = (count) => count.toLocaleString("en-US");
  const showMore = (count = STEP) => {
    const some = document.createDocumentFragment();
    for (const engine of matching.slice(shown, shown + count)) {
      if (engine.group !== group) {
        group = engine.group;
        if (group) some.append(element("h3", "", group));
      }
      some.append(detailsOf(engine));
    }
    list.append(some);
    shown = Math.min(matching.length, shown + count);
    more.hidden = shown === matching.length;
    more.textContent = `Show more (${number(matching.length - shown)} left)`;
  };
  const foldWord = () => {
    fold.textContent = list.querySelector("details[open]") ? "Collapse all" : "Expand all";
    fold.hidden = !matching.length;
  };
  const update = () => {
    const terms = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const states = pressed("state"), origins = pressed("origin");
    const narrowed = terms.length || states.size || origins.size;
    matching = narrowed ? engines.filter((engine) =>
      (!states.size || states.has(engine.state)) && (!origins.size || origins.has(engine.origin)) &&
      terms.every((term) => haystack(engine).includes(term))) : engines;
    shown = 0;
    group = undefined;
    list.replaceChildren();
    showMore();
    const all = number(engines.length) + (engines.length === 1 ? " engine" : " engines");
    byId("count").textContent = narrowed ? `${number(matching.length)} of ${all}` : all;
    clear.hidden = !narrowed;
    foldWord();
  };
  const cleared = () => {
    search.value = "";
    chips.forEach((chip) => chip.setAttribute("aria-pressed", "false"));
    update();
    search.focus();
  };

  search.addEventListener("input", update);
  clear.addEventListener("click", cleared);
  more.addEventListener("click", () => {
    const last = list.lastElementChild;
    showMore();
    const next = last.nextElementSibling;
    const target = next && (next.matches("details") ? next : next.nextElementSibling);
    if (target) target.firstElementChild.focus();
  });
  chips.forEach((chip) => chip.addEventListener("click", () => {
    chip.setAttribute("aria-pressed", String(chip.getAttribute("aria-pressed") !== "true"));
    update();
  }));
  fold.addEventListener("click", () => {
    const open = !list.querySelector("details[open]");
    list.querySelectorAll("details").forEach((details) => { details.open = open; });
    fold.textContent = open ? "Collapse all" : "Expand all";
  });
  list.addEventListener("toggle", foldWord, true);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const inSearch = document.activeElement === search;
    if (event.key === "Escape" && (inSearch || list.contains(document.activeElement)) && !clear.hidden) {
      event.preventDefault();
      cleared();
      return;
    }
    const at = document.activeElement;
    if (!inSearch && !(at.matches("summary") && list.contains(at))) return;
    const summaries = [...list.querySelectorAll(".engine > summary")];
    const index = summaries.indexOf(at);
    const steps = { ArrowDown: index + 1, ArrowUp: index - 1 };
    if (!inSearch) Object.assign(steps, { Home: 0, End: summaries.length - 1 });
    if (!(event.key in steps) || (inSearch && event.key === "ArrowUp")) return;
    event.preventDefault();
    if (steps[event.key] === summaries.length) showMore();
    if (steps[event.key] < 0) search.focus();
    else ([...list.querySelectorAll(".engine > summary")][steps[event.key]] || at).focus();
  });

  // ── on paper ────────────────────────────────────────────────────────────────────────────────────────────────
  let unfolded = [];
  addEventListener("beforeprint", () => {
    if (matching.length > PRINTED) return;
    showMore(PRINTED);
    unfolded = [...list.querySelectorAll("details:not([open])")];
    const printed = [...list.querySelectorAll("details")];
    printed.forEach((details, index) => { filled(details, matching[index]); details.open = true; });
  });
  addEventListener("afterprint", () => {
    unfolded.forEach((details) => { details.open = false; });
    unfolded = [];
  });

  byId("list").hidden = false;
  update();
  if ("IntersectionObserver" in window) {
    new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting) && !more.hidden) showMore();
    }, { rootMargin: "400px" }).observe(more);
  }
})();
