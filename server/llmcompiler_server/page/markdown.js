// The basics of Markdown as elements: paragraphs, headings, lists, bold, emphasis, code, links. The text is foreign: it is only
// ever text, never markup, and what is not one of the basics stays as it was written.

import { h } from "./dom.js";

const MOST = 100_000; // characters: a longer text is shown as it is
const MANY = 5_000; // inline marks in it, and the same
const ITEM = /^ {0,8}(?:([-*+])|(\d{1,9})[.)])[ \t]+(\S.*)$/;
const HEADING = /^(#{1,6})[ \t]+(\S.*)$/;
const FENCE = /^ {0,3}(```|~~~)/;
// One line at a time, and no piece may hold its own end: time is linear in the text.
const INLINE = /`([^`\n]{1,2000})`|\*\*([^\s*][^*\n]{0,2000})\*\*|\[([^[\]\n]{1,500})\]\(([^\s()<>]{1,2000})\)|(?<![\w*])\*([^\s*][^*\n]{0,500})\*(?![\w*])/g;

/** The address, if a link may lead there: http and https, written out, without user name; else null. */
export function safeAddress(text) {
  if (!/^https?:[/]{2}/i.test(text)) return null; // also no relative one: that would lead into the service
  try {
    const url = new URL(text);
    return /^https?:$/.test(url.protocol) && !url.username && !url.password ? url.href : null;
  } catch {
    return null;
  }
}

function inline(text) {
  const out = [];
  let at = 0;
  for (const match of text.matchAll(INLINE)) {
    const [whole, code, bold, label, address, emphasis] = match;
    let made = null;
    if (code !== undefined) made = h("code", { text: code });
    else if (bold !== undefined) made = h("strong", { text: bold });
    else if (emphasis !== undefined) made = h("em", { text: emphasis });
    else {
      const href = safeAddress(address);
      if (href) made = h("a", { href, rel: "noopener noreferrer nofollow", target: "_blank", title: href, text: label });
    }
    if (!made) continue;
    if (match.index > at) out.push(text.slice(at, match.index));
    out.push(made);
    at = match.index + whole.length;
  }
  out.push(text.slice(at));
  return out;
}

/** Elements for a text. It may end anywhere: an answer is drawn while it is written. */
export function markdown(text) {
  if (text.length > MOST || (text.match(/[`*[]/g)?.length ?? 0) > MANY) return [h("p", { text })];
  const out = [];
  const lines = text.replace(/\r\n?/g, "\n").split("\n");
  let open = []; // lines of the paragraph
  let list = null;
  const close = () => {
    if (open.length) out.push(h("p", {}, inline(open.join("\n"))));
    open = [];
  };
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i];
    const fence = FENCE.exec(line);
    const item = ITEM.exec(line);
    const heading = HEADING.exec(line);
    if (!item && line.trim()) list = null;
    if (fence) {
      close();
      const code = [];
      while (++i < lines.length && !lines[i].trimStart().startsWith(fence[1])) code.push(lines[i]);
      out.push(h("pre", { class: "value", tabindex: "0", role: "region", "aria-label": "Code", text: code.join("\n") }));
    } else if (item) {
      close();
      const kind = item[1] ? "UL" : "OL";
      if (list?.tagName !== kind) out.push((list = h(kind.toLowerCase(), kind === "OL" ? { start: item[2] } : {})));
      list.append(h("li", {}, inline(item[3])));
    } else if (heading) {
      close();
      out.push(h("h3", {}, inline(heading[2])));
    } else if (!line.trim()) close();
    else open.push(line);
  }
  close();
  return out;
}
