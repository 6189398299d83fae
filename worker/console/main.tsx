import { render } from "preact";
import { Softphone } from "./model/softphone.ts";
import "./style/index.css";
import { App } from "./views/app.tsx";

const root = document.querySelector("#console");
if (root === null) throw new TypeError("the page has no place for the console");
render(<App phone={new Softphone()} />, root);
