// The search runs in a worker, and a page that was opened from a disk may not start one from a file: it starts it from
// this copy of the file instead. The name keeps Zensical from loading a program of the same purpose from unpkg.com.
if (location.protocol === "file:") {
  const source = /* the search, written here by tests/docs_site.py */ "";
  const StandardWorker = window.Worker;
  window.Worker = function () {
    return new StandardWorker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  };
}
