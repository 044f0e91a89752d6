// An explorer shows one series at a time: chosen from a list that can be searched, by arrow keys, or by next and previous.
const FIELDS = ["actual", "prediction", "lower_80", "upper_80", "lower_95", "upper_95"];
const amounts = new Intl.NumberFormat("en", { maximumSignificantDigits: 5 });

function timeText(value) {
  return typeof value === "number" ? amounts.format(value) : value.replace("T", " ").replace(/(:00)?Z$/, "").replace(/ 00:00$/, "");
}

function rowsOf(data, number) {
  const [place, , ...columns] = data.series[number];
  return data.times[place].map((time, index) => {
    const row = { x: time };
    FIELDS.forEach((field, column) => {
      const value = columns[column] && columns[column][index];
      if (value !== null && value !== undefined) row[field] = value;
    });
    row.middle = row.actual ?? row.prediction;
    row.tip = tipOf(row);
    return row;
  });
}

function boundsText(row, level) {
  const [low, high] = [row[`lower_${level}`], row[`upper_${level}`]];
  return low === undefined || high === undefined ? "" : `${amounts.format(low)} – ${amounts.format(high)}`;
}

function tipOf(row) {
  const value = (field) => (row[field] === undefined ? "" : amounts.format(row[field]));
  return [timeText(row.x), value("actual"), value("prediction"), boundsText(row, "80"), boundsText(row, "95")].join("\n");
}

function explore(section, data) {
  const find = (selector) => section.querySelector(selector);
  const input = find("input");
  const list = find(".options");
  const options = [...list.querySelectorAll("[role=option]")];
  const chart = find(".chart");
  const details = find("details");
  const { words } = page;
  const labels = [words.time, words.actual, words.prediction, words.within_80, words.within_95];
  const description = chart.getAttribute("aria-label");
  let chosen = 0;

  function filled() {
    const origin = data.series[chosen][1];
    return { datasets: { series: rowsOf(data, chosen), origin: origin === null ? [] : [{ x: origin, label: words.origin }] } };
  }

  function refill(view) {
    for (const [name, rows] of Object.entries(filled().datasets)) view.data(name, rows);
    view.run();
  }

  function fillTable() {
    if (!details.open) return;
    const table = document.createElement("table");
    const head = table.createTHead().insertRow();
    for (const label of labels) {
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.textContent = label;
      head.append(cell);
    }
    const body = table.createTBody();
    for (const row of rowsOf(data, chosen)) {
      const line = body.insertRow();
      row.tip.split("\n").forEach((text, place) => {
        const cell = line.insertCell();
        cell.textContent = text || "–";
        if (place) cell.className = "number";
      });
    }
    details.querySelector(".table-box").replaceChildren(table);
  }

  function choose(number, { scroll = true } = {}) {
    options[chosen].setAttribute("aria-selected", "false");
    chosen = number;
    const option = options[number];
    const [label, group] = data.options[number];
    option.setAttribute("aria-selected", "true");
    input.setAttribute("aria-activedescendant", option.id);
    if (scroll) list.scrollTop = option.offsetTop - list.clientHeight / 2;
    const place = words.place.replace("{number}", number + 1).replace("{all}", options.length);
    section.querySelectorAll(".chosen").forEach((each) => { each.textContent = label; });
    section.querySelectorAll(".chosen-place").forEach((each) => { each.textContent = group && group !== label ? `${group} · ${place}` : place; });
    chart.setAttribute("aria-label", `${description}. ${label}`);
    section.dataset.chosen = label;
    const state = boxes.get(chart);
    if (state && state.drawn) refill(state.drawn.view);
    fillTable();
  }

  function visible() {
    return options.filter((option) => !option.hidden);
  }

  function move(steps, among) {
    if (!among.length) return;
    const place = among.indexOf(options[chosen]);
    const next = place < 0 ? 0 : Math.min(Math.max(place + steps, 0), among.length - 1);
    choose(Number(among[next].dataset.number));
  }

  function filter() {
    const wanted = input.value.trim().toLocaleLowerCase();
    for (const option of options) option.hidden = !option.textContent.toLocaleLowerCase().includes(wanted);
    for (const group of list.querySelectorAll("[role=group]")) group.hidden = !group.querySelector("[role=option]:not([hidden])");
    const found = visible();
    list.querySelector(".nothing").hidden = found.length > 0;
    if (wanted && found.length) choose(Number(found[0].dataset.number));
  }

  function keep(open) {
    section.classList.toggle("open", open);
    find(".open-list").setAttribute("aria-expanded", String(open));
    if (open) input.focus();
  }

  const keys = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };
  input.addEventListener("keydown", (event) => {
    if ((event.key === "Home" || event.key === "End") && input.value) return;
    if (event.key in keys) {
      event.preventDefault();
      move(keys[event.key], visible());
    } else if (event.key === "Enter" || event.key === "Escape") {
      if (section.classList.contains("open")) {
        event.preventDefault(); // or the button that gets the focus would be pressed by the same key
        keep(false);
        find(".open-list").focus();
      }
    }
  });
  input.addEventListener("input", filter);
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (!option) return;
    choose(Number(option.dataset.number), { scroll: false });
    if (section.classList.contains("open")) keep(false);
  });
  find(".open-list").addEventListener("click", () => keep(!section.classList.contains("open")));
  find(".step-back").addEventListener("click", () => choose((chosen - 1 + options.length) % options.length));
  find(".step-on").addEventListener("click", () => choose((chosen + 1) % options.length));
  details.addEventListener("toggle", fillTable);
  addChart(chart, data.chart, labels, filled);
  choose(0);
}

for (const [name, data] of Object.entries(page.explorers)) {
  if (data.options.length) explore(document.getElementById(name), data);
}
