// The mail that this machine's shop has sent.

import { useLoad } from "../lib/loading.js";
import { html } from "../lib/preact.js";
import { Alert, Empty, Loading, Time } from "../lib/ui.js";
import { local } from "./local.js";
import { Head } from "./parts.js";

/** @typedef {{to: string, subject: string, text: string, at: string}} Mail */

export function MailPage() {
  const { data, problem, reload } = useLoad(() => local("mail"), [], { every: 5000 });
  /** @type {Mail[]} */
  const mails = data?.mails ?? [];
  return html`
    <${Head} title="Mail" />
    <${Alert} problem=${problem} retry=${reload} />
    ${!data && !problem && html`<${Loading} />`}
    ${data && !mails.length && html`<${Empty}>No mail was sent yet.<//>`}
    ${mails.map((mail) => html`
      <details class="card mail" key=${mail.at + mail.to + mail.subject}>
        <summary><strong>${mail.subject}</strong> <span>${mail.to}</span> <small><${Time} at=${mail.at} /></small></summary>
        <pre>${mail.text}</pre>
      </details>`)}`;
}
