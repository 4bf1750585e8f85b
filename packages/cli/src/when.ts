/** A time for the eyes: the clock for today, the date for older ones; local time. */
export function formatWhen(time: number, now: number): string {
  const date = new Date(time);
  const text = localText(date);
  return text.slice(0, 10) === localText(new Date(now)).slice(0, 10) ? text.slice(11) : text.slice(0, 16);
}

/** `2026-11-21 06:04:42`, local time. */
export function formatDate(time: number): string {
  return localText(new Date(time));
}

function localText(date: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** `1.5 MB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  let size = bytes;
  let unit = "B";
  for (const next of ["kB", "MB", "GB", "TB"]) {
    if (size < 999.5) break;
    size /= 1_000;
    unit = next;
  }
  return `${size < 10 ? size.toFixed(1) : Math.round(size)} ${unit}`;
}
