// What went wrong, as a sentence for the person at the page.

/** @type {Record<string, string>} */
const SENTENCES = {
  "account-inactive": "Your account is inactive: you cannot order.",
  "bad-credentials": "The e-mail address or the password is wrong.",
  "bad-token": "This link was used before, or has expired. Ask for a new one.",
  "email-not-confirmed": "Confirm your e-mail address first: the link is in your mail.",
  "email-taken": "An account with this e-mail address exists. Log in, or reset its password.",
  "illegal-transition": "The order has changed meanwhile, and this is no longer possible.",
  "last-admin": "This is the last admin: make another user an admin first.",
  "not-found": "There is nothing here.",
  "order-not-found": "There is no such order.",
  "product-not-found": "This product is no longer sold.",
  "request-in-progress": "Your last request is still being worked on. Wait a moment.",
  "unauthenticated": "You are logged out. Log in again.",
  "unknown-product": "A product of your cart is no longer sold.",
  "user-not-found": "There is no such user.",
  "version-conflict": "Somebody else has changed it meanwhile. Look at it again, then save.",
};

// In seconds.
const LONGEST_PAUSE = 60;

/** A failed call of the API. */
export class Problem extends Error {
  /**
   * @param {number} status 0 where no answer came
   * @param {any} [document] the problem+json of the answer
   * @param {number} [retryAfter] in seconds
   */
  constructor(status, document, retryAfter) {
    const code = String(document?.type ?? "").split("/").pop() ?? "";
    super(sentence(status, code, document, retryAfter));
    this.status = status;
    /** In seconds. */
    this.retryAfter = retryAfter ?? 5;
    this.code = code;
    /** @type {Record<string, any>} */
    this.document = document ?? {};
    /** Whether the same request may succeed a moment later. */
    this.isTemporary = status === 0 || status === 429 || status >= 500;
  }

  /**
   * The pause before the same request is sent again, in milliseconds: at least what the shop asks for, and longer
   * after each failure.
   *
   * @param {number} failures without a success between them
   */
  pause(failures) {
    return Math.max(this.retryAfter, Math.min(2 ** failures, LONGEST_PAUSE)) * 1000;
  }

  /** @param {string} field @returns {string} what is wrong with a field of the request's body */
  of(field) {
    /** @type {{pointer: string, detail: string}[]} */
    const errors = this.document.errors ?? [];
    const own = errors.filter((e) => e.pointer === `#/${field}`);
    // The detail begins with the field's name, which the label says.
    return own.map((e) => capital(e.detail.replace(`${field}: `, ""))).join(" ");
  }
}

/** @param {number} status @param {string} code @param {any} document @param {number} [retryAfter] */
function sentence(status, code, document, retryAfter) {
  if (status === 0) return "The shop cannot be reached. Look at your connection, then try again.";
  if (status === 429) return `Too many requests. Try again in ${wait(retryAfter)}.`;
  if (status >= 500) return `The shop has a problem at this moment. Try again in ${wait(retryAfter)}.`;
  if (SENTENCES[code]) return SENTENCES[code];
  /** @type {{detail: string}[]} */
  const errors = document?.errors ?? [];
  return errors.map((e) => e.detail).join(" ") || document?.detail || document?.title
    || `The shop refused this (${status}).`;
}

/** @param {string} text */
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** @param {number} [seconds] */
function wait(seconds = 1) {
  if (seconds < 2) return "a moment";
  return seconds < 120 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`;
}
