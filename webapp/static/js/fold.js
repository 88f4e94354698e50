// Makes texts comparable exactly as `fold` in backend_services/searching.py does: without capitals and marks on letters.
export const fold = (text) => text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase().replaceAll("ß", "ss").replaceAll("ς", "σ");
