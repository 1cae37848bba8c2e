import { Client, takeToken } from "./client";
import { ReviewPage } from "./page";

void new ReviewPage(new Client(takeToken())).open();
