/* Files that are dropped anywhere on the page. */

/** Show `cover` while files hang over the page.

    `onFiles(files)` and `onFolder(name)` are called for what is dropped.
*/
export function watchDrops(cover, onFiles, onFolder) {
  let depth = 0; // of the elements entered: each child sends its own events
  const setDepth = (value) => {
    depth = Math.max(0, value);
    cover.hidden = depth === 0;
  };
  document.addEventListener("dragenter", (event) => hasFiles(event) && setDepth(depth + 1));
  document.addEventListener("dragleave", (event) => hasFiles(event) && setDepth(depth - 1));
  document.addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
  document.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    setDepth(0);
    const items = [...event.dataTransfer.items].filter(({ kind }) => kind === "file");
    const isFolder = (item) => item.webkitGetAsEntry()?.isDirectory;
    for (const item of items.filter(isFolder)) onFolder(item.getAsFile().name);
    onFiles(items.filter((item) => !isFolder(item)).map((item) => item.getAsFile()));
  });
}

function hasFiles({ dataTransfer }) {
  return dataTransfer.types.includes("Files");
}
