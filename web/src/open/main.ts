import { Client, takeToken } from "../page/client";
import { PlanningPage } from "./page";

void new PlanningPage(new Client(takeToken())).open();
