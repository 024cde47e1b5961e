"use strict";
const grid = document.getElementById("all");
const cards = Array.from(grid.children);
const orders = {
  name: null,
  slices: (card) => -Number(card.dataset.slices),
  spacing: (card) => -Number(card.dataset.spacing),
  orientation: (card) => card.dataset.orientation,
};
document.getElementById("find")?.addEventListener("input", (event) => {
  const text = event.target.value.toLowerCase();
  for (const card of document.querySelectorAll(".case")) card.hidden = !card.dataset.find.toLowerCase().includes(text);
});
document.getElementById("sort")?.addEventListener("change", (event) => {
  const key = orders[event.target.value];
  const sorted = key === null ? cards : cards.slice().sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
  grid.append(...sorted);
});
