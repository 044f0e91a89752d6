// Tables: sort by a click on a head, filter by a text, show all.
const collator = new Intl.Collator(page.language, { numeric: true });

function keyOf(row, column) {
  const cell = row.cells[column];
  if (cell.classList.contains("missing")) return null;
  return cell.dataset.sort === undefined ? cell.textContent : Number(cell.dataset.sort);
}

function compare(one, other, turn) {
  if (one === null || other === null) return (one === null) - (other === null);
  const order = typeof one === "number" && typeof other === "number" ? one - other : collator.compare(one, other);
  return turn * order;
}

function managed(block) {
  const body = block.querySelector("tbody");
  const rows = [...body.rows];
  const heads = [...block.querySelectorAll("thead th")];
  const first = Number(block.dataset.first);
  const more = block.querySelector(".show-all");
  const filter = block.querySelector(".filter");
  const count = block.querySelector(".count");
  let all = false;
  let order = rows;

  function show() {
    const wanted = filter ? filter.value.trim().toLocaleLowerCase() : "";
    const found = order.filter((row) => row.textContent.toLocaleLowerCase().includes(wanted));
    const shown = new Set(all || wanted ? found : found.slice(0, first));
    for (const row of rows) row.hidden = !shown.has(row);
    if (count) count.textContent = page.words.rows_shown.replace("{shown}", amounts.format(shown.size)).replace("{n}", amounts.format(rows.length));
    if (more) {
      more.hidden = Boolean(wanted);
      more.setAttribute("aria-expanded", String(all));
      more.textContent = all ? page.words.show_fewer : page.words.show_all.replace("{n}", amounts.format(rows.length));
    }
  }

  heads.forEach((head, column) => {
    const button = head.querySelector("button");
    if (!button) return;
    button.addEventListener("click", () => {
      const turn = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      for (const each of heads) each.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", turn === 1 ? "ascending" : "descending");
      const keys = new Map(rows.map((row) => [row, keyOf(row, column)]));
      order = [...rows].sort((one, other) => compare(keys.get(one), keys.get(other), turn));
      body.append(...order);
      show();
    });
  });
  if (filter) filter.addEventListener("input", show);
  if (more) more.addEventListener("click", () => { all = !all; show(); });
}

document.querySelectorAll(".block.table").forEach(managed);
