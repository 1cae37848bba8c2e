import { byId } from "../page/dom";
import { Client, takeToken } from "../page/client";
import { ReviewPage } from "./page";

// In the planning page the address names the plan, and the case that it belongs to.
const asked = new URLSearchParams(location.search);
const fromCase = asked.get("case");
byId("back").hidden = fromCase === null;
byId("back", HTMLButtonElement).onclick = () => location.assign(`/?case=${encodeURIComponent(fromCase ?? "")}`);
void new ReviewPage(new Client(takeToken(), asked.get("plan"))).open();
