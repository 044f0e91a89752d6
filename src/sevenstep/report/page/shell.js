// The frame of the page: theme, menu of the narrow window, and the chapter one is in.
const root = document.documentElement;
const themeButton = document.querySelector(".theme-button");
const menuButton = document.querySelector(".menu-button");
const side = document.querySelector(".side");

function remembered() {
  try {
    return localStorage.getItem("sevenstep-theme");
  } catch {
    return null; // storage is closed to files in some browsers
  }
}

function remember(name) {
  try {
    localStorage.setItem("sevenstep-theme", name);
  } catch {
    // the choice then holds for this page only
  }
}

function nameTheme() {
  themeButton.querySelector("span").textContent = theme() === "dark" ? page.words.light : page.words.dark;
}

if (["light", "dark"].includes(remembered())) root.dataset.theme = remembered();
nameTheme();
darkScheme.addEventListener("change", nameTheme);
themeButton.addEventListener("click", () => {
  root.dataset.theme = theme() === "dark" ? "light" : "dark";
  remember(root.dataset.theme);
  nameTheme();
  redrawAll();
});

function openMenu(open) {
  side.classList.toggle("open", open);
  menuButton.setAttribute("aria-expanded", String(open));
}
menuButton.addEventListener("click", () => openMenu(!side.classList.contains("open")));
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && side.classList.contains("open")) {
    openMenu(false);
    menuButton.focus();
  }
});

const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
for (const link of links.values()) link.addEventListener("click", () => openMenu(false));
const sections = [...document.querySelectorAll("section.cover, section.chapter")];
let marking = false;
function markPlace() {
  marking = false;
  const line = innerHeight * 0.3;
  const here = sections.filter((section) => section.getBoundingClientRect().top <= line).pop();
  for (const [name, link] of links) {
    if (here && here.id === name) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  if (here && links.has(here.id)) menuButton.textContent = links.get(here.id).querySelector(".step-name").textContent;
}
addEventListener("scroll", () => {
  if (!marking) requestAnimationFrame(markPlace);
  marking = true;
}, { passive: true });
markPlace();
