// One tooltip for all charts. Texts are set as text, never as markup.
const tooltip = document.createElement("div");
tooltip.className = "tooltip";
tooltip.hidden = true;
document.body.append(tooltip);

function showTooltip(labels, event, text) {
  if (!text) {
    tooltip.hidden = true;
    return;
  }
  const list = document.createElement("dl");
  String(text).split("\n").forEach((line, place) => {
    if (!line) return;
    const label = document.createElement("dt");
    const value = document.createElement("dd");
    label.textContent = labels[place] || "";
    value.textContent = line;
    list.append(label, value);
  });
  tooltip.replaceChildren(list);
  tooltip.hidden = false;
  const left = Math.min(event.clientX + 14, innerWidth - tooltip.offsetWidth - 8);
  const above = event.clientY + 16 + tooltip.offsetHeight > innerHeight;
  tooltip.style.left = `${Math.max(left, 8)}px`;
  tooltip.style.top = `${above ? event.clientY - tooltip.offsetHeight - 12 : event.clientY + 16}px`;
}

addEventListener("scroll", () => { tooltip.hidden = true; }, { passive: true });
