// Draws openapi.json as a list of operations, each with a form to try it.

const SHOWN_CHARS = 20000;
const DESCRIPTION = "/api/v1/openapi.json";

function element(name, attributes, ...children) {
  const made = Object.assign(document.createElement(name), attributes);
  made.append(...children);
  return made;
}

function field(form, name, help, input) {
  const id = `f${document.querySelectorAll("input,textarea").length}-${form.dataset.key}-${form.elements.length}`;
  Object.assign(input, { id, name });
  const note = help ? [element("small", {}, help)] : [];
  form.append(element("label", { htmlFor: id }, name), element("div", {}, input, ...note));
}

// The address and the body that the form stands for. A name like "filter.{column}" is filled in as
// "column=condition".
function request(path, method, operation, form) {
  const query = new URLSearchParams();
  let address = path;
  for (const parameter of operation.parameters ?? []) {
    const value = form.elements[parameter.name].value;
    const open = parameter.name.indexOf("{");
    if (parameter.in === "path") address = address.replace(`{${parameter.name}}`, encodeURIComponent(value));
    else if (value && open >= 0) {
      const cut = value.indexOf("=");
      query.append(parameter.name.slice(0, open) + value.slice(0, cut), value.slice(cut + 1));
    } else if (value) query.append(parameter.name, value);
  }
  const body = operation.requestBody ? form.elements.body.value : undefined;
  const headers = body === undefined ? {} : { "content-type": "application/json" };
  return [query.size ? `${address}?${query}` : address, { method: method.toUpperCase(), headers, body }];
}

async function attempt(address, options, output) {
  output.textContent = `${options.method} ${address}\n…`;
  try {
    const response = await fetch(address, options);
    const text = await response.text();
    const cut = text.length > SHOWN_CHARS ? `\n… ${text.length - SHOWN_CHARS} characters more` : "";
    const type = response.headers.get("content-type") ?? "";
    output.textContent = `${options.method} ${address}\n${response.status} ${response.statusText} ${type}\n\n${text.slice(0, SHOWN_CHARS)}${cut}`;
  } catch (error) {
    output.textContent = `${options.method} ${address}\n${error}`;
  }
}

function drawn(path, method, operation) {
  const form = element("form", {});
  form.dataset.key = operation.operationId ?? path;
  for (const parameter of operation.parameters ?? []) {
    const open = parameter.name.includes("{");
    const hint = open ? "name=value" : "";
    const input = element("input", { required: Boolean(parameter.required), placeholder: hint });
    field(form, parameter.name, parameter.description, input);
  }
  if (operation.requestBody) {
    const body = element("textarea", { rows: 4, value: '{"sql": "SHOW TABLES"}' });
    field(form, "body", "JSON", body);
  }
  const output = element("pre", { hidden: true });
  form.append(element("button", {}, "Try it"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    output.hidden = false;
    attempt(...request(path, method, operation, form), output);
  });
  const answers = Object.entries(operation.responses ?? {}).map(([status, answer]) =>
    element("li", {}, `${status} ${answer.description}`));
  const summary = element("summary", {}, element("code", {}, `${method.toUpperCase()} ${path}`), ` ${operation.summary ?? ""}`);
  const text = operation.description ? [element("p", {}, operation.description)] : [];
  return element("details", {}, summary, ...text, form, output, element("ul", {}, ...answers));
}

function draw(description) {
  const place = document.getElementById("operations");
  document.getElementById("about").textContent = `${description.info.description} Version ${description.info.version}.`;
  for (const tag of description.tags) {
    place.append(element("h2", {}, tag.description));
    for (const [path, methods] of Object.entries(description.paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        if (operation.tags?.includes(tag.name)) place.append(drawn(path, method, operation));
      }
    }
  }
}

fetch(DESCRIPTION)
  .then((response) => response.json())
  .then(draw)
  .catch((error) => {
    document.getElementById("about").textContent = `The description could not be loaded: ${error}`;
  });
