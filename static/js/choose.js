// "Choose all" above a table of check boxes.
document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-choose-all]")) return;
  event.target.closest("table").querySelectorAll("tbody input[type=checkbox]").forEach((box) => { box.checked = event.target.checked; });
});
