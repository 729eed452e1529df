// One installation, from its first owner on: in this order.
import {after} from "node:test";
import {close} from "./browser.mjs";
import {clouds} from "./clouds.mjs";
import {guide} from "./guide.mjs";
import {life} from "./life.mjs";
import {organisation} from "./people.mjs";
import {retry} from "./retry.mjs";
import {simulation} from "./simulate.mjs";
import {views} from "./views.mjs";
import {wizard} from "./wizard.mjs";

after(close);
life();
retry();
wizard();
simulation();
clouds();
organisation();
guide();
views();
