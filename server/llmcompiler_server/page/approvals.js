// Calls that wait for a decision: each a card with exactly the arguments that a decision is about.

import { api } from "./api.js";
import { h } from "./dom.js";
import { approvalKey } from "./state.js";
import { duration, valueView } from "./values.js";

/** The cards of one run's approvals. `tell(text)` announces, `fail(error)` shows what went wrong. */
export class ApprovalsView {
  #area;
  #cards = new Map();
  #tell;
  #fail;

  constructor(area, { tell, fail }) {
    this.#area = area;
    this.#tell = tell;
    this.#fail = fail;
  }

  clear() {
    this.#cards.clear();
    this.#area.replaceChildren();
  }

  update(run, now) {
    for (const [name, card] of this.#cards) {
      if (run.approvals.has(name)) continue;
      const focused = card.element.contains(document.activeElement);
      card.element.remove();
      this.#cards.delete(name);
      // Whoever decided by keyboard goes on with the next one, or with the run.
      if (focused) (this.#area.querySelector("button") ?? document.getElementById("main")).focus({ preventScroll: true });
    }
    for (const [name, approval] of run.approvals) {
      let card = this.#cards.get(name);
      if (!card) {
        card = this.#make(run.id, approval);
        this.#cards.set(name, card);
        this.#area.append(card.element);
        this.#tell(`${approval.tool} needs your approval.`);
      }
      if (approval.expires === null) continue;
      const left = approval.expires - now;
      const text = left > 0 ? `Lapses in ${duration(Math.ceil(left))}` : "Lapsed";
      if (card.expires.textContent !== text) card.expires.textContent = text;
    }
  }

  #make(runId, approval) {
    const title = `approval-${approvalKey(approval.taskId, approval.item)}`;
    const expires = h("span", { class: "muted" });
    const reason = h("input", { type: "text", maxlength: 2000, placeholder: "Reason, if you reject (optional)", "aria-label": "Reason, if you reject" });
    const buttons = ["reject", "approve"].map((decision) =>
      h("button", { type: "button", class: decision === "approve" ? "primary" : "secondary danger", text: decision === "approve" ? "Approve" : "Reject",
        on: { click: () => decide(decision) } }));
    let deciding = false;
    const busy = (is) => {
      deciding = is;
      for (const button of buttons) button.ariaDisabled = String(is); // not `disabled`, which would take the focus away
    };
    const decide = async (decision) => {
      if (deciding) return;
      busy(true);
      try {
        await api.decide(runId, approval.taskId, {
          decision, digest: approval.digest || null, item: approval.item, reason: decision === "reject" ? reason.value : "",
        });
        this.#tell(decision === "approve" ? `${approval.tool} approved.` : `${approval.tool} rejected.`);
      } catch (error) {
        busy(false);
        this.#fail(error);
      }
    };
    const which = approval.item === null ? `Task ${approval.taskId}` : `Task ${approval.taskId}, call ${approval.item}`;
    const element = h("section", { class: "card approval", "aria-labelledby": title },
      h("div", { class: "card-head" }, h("h2", { id: title }, h("code", { text: approval.tool }), " needs your approval"), h("span", { class: "grow" }), expires),
      h("p", { class: "muted", text: `${which} will make this call, with exactly these arguments:` }),
      valueView(approval.args, `Arguments of ${approval.tool}`),
      h("div", { class: "form-row" }, reason, buttons));
    return { element, expires };
  }
}
