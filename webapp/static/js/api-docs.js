// The API reference over our own OpenAPI document.
const place = document.getElementById("swagger");
window.SwaggerUIBundle({ url: place.dataset.document, domNode: place, deepLinking: false, docExpansion: "list", validatorUrl: null, defaultModelsExpandDepth: -1 });
