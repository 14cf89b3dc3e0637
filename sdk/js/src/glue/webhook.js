import { decode } from "../json.js";
import { locatedChange } from "./change.js";
import { guard, member } from "./guard.js";

export function webhook(plugin) {
  const author = member(plugin, "webhook");
  return {
    receive: guard(async (config, { headers, body }) => {
      const changes = await author.receive(decode(config), new Delivery(headers, body));
      return Array.from(changes, locatedChange);
    }),
  };
}

class Delivery {
  constructor(headers, body) {
    this.headers = headers;
    this.body = body;
  }
  header(name) {
    const wanted = name.toLowerCase();
    return this.headers.find(([each]) => each.toLowerCase() === wanted)?.[1];
  }
  text() {
    return new TextDecoder().decode(this.body);
  }
  json() {
    return decode(this.body);
  }
}
