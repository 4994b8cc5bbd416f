"use strict";
document.querySelectorAll("table").forEach(function (table) {
  var body = table.tBodies[0];
  if (!body || body.rows.length < 2 || !table.tHead) { return; }
  var heads = Array.prototype.slice.call(table.tHead.rows[0].cells);
  function key(row, at) {
    var cell = row.cells[at];
    return cell.dataset.n === undefined ? cell.textContent.trim().toLowerCase() : Number(cell.dataset.n);
  }
  function compare(a, b) {
    if (typeof a === typeof b) { return typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true }); }
    return typeof a === "number" ? -1 : 1;
  }
  heads.forEach(function (head, at) {
    var button = document.createElement("button");
    button.type = "button";
    while (head.firstChild) { button.appendChild(head.firstChild); }
    head.appendChild(button);
    button.addEventListener("click", function () {
      var numeric = body.rows[0].cells[at].dataset.n !== undefined;
      var now = head.getAttribute("aria-sort");
      var next = now ? (now === "ascending" ? "descending" : "ascending") : (numeric ? "descending" : "ascending");
      var sign = next === "ascending" ? 1 : -1;
      var rows = Array.prototype.slice.call(body.rows);
      rows.sort(function (a, b) { return sign * compare(key(a, at), key(b, at)); });
      rows.forEach(function (row) { body.appendChild(row); });
      heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
      head.setAttribute("aria-sort", next);
    });
  });
});
window.addEventListener("beforeprint", function () {
  document.querySelectorAll("details[data-printed]").forEach(function (each) {
    if (!each.open) { each.dataset.shut = ""; each.open = true; }
  });
});
window.addEventListener("afterprint", function () {
  document.querySelectorAll("details[data-shut]").forEach(function (each) { each.open = false; delete each.dataset.shut; });
});
