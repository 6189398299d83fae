import { render } from "preact";
import { CallPage } from "./call-page.tsx";
import { CallReader } from "./call-reader.ts";
import "./style/index.css";

const root = document.querySelector("#console");
if (root === null) throw new TypeError("the page has no place for the call");
render(<CallPage reader={new CallReader()} />, root);
