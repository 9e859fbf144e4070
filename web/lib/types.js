// Names for the bodies of the API's answers.

/** @typedef {import("../../.cache/clients/typescript/api.js").components["schemas"]} Schemas */
/** @typedef {Schemas["AccountResponse"]} User */
/** @typedef {Schemas["ProductResponse"]} Product */
/** @typedef {Schemas["OrderResponse"]} Order */
/** @typedef {Schemas["NotificationResponse"]} Notification */

export {};
