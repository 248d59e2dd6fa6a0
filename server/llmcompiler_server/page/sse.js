// Server-sent events, as the HTML standard defines the stream. Pure: text in, events out.

export class SseParser {
  #rest = "";
  #data = [];
  #type = "";
  #id = "";

  /** Take the next piece of the stream, cut anywhere; gives the events that it completes. */
  feed(text) {
    const out = [];
    this.#rest += text;
    // A CR at the very end may be the first half of a CRLF: it waits for the next piece.
    const lines = this.#rest.split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop();
    for (const line of lines) {
      if (line === "") {
        if (this.#data.length) out.push({ id: this.#id, type: this.#type || "message", data: this.#data.join("\n") });
        this.#data = [];
        this.#type = "";
        continue;
      }
      if (line.startsWith(":")) continue;
      const colon = line.indexOf(":");
      const name = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (name === "data") this.#data.push(value);
      else if (name === "event") this.#type = value;
      else if (name === "id" && !value.includes("\0")) this.#id = value;
    }
    return out;
  }
}
