// Checks pages of the documentation in a frame of several widths. Returns the problems as a list of texts.
const frame = document.body.appendChild(document.createElement('iframe'));
frame.style.height = '900px';

function look(document) {
    const wrong = [];
    const wide = document.documentElement.clientWidth;
    const named = node => node.textContent.trim().slice(0, 60);
    if (document.documentElement.scrollWidth > wide + 1) {
        wrong.push('the page is wider than the window: ' + document.documentElement.scrollWidth);
    }
    for (const table of document.querySelectorAll('article table')) {
        // The element that would scroll.
        const around = (table.closest('.table-wrapper') || table.parentElement).getBoundingClientRect();
        const end = Math.min(around.right, wide) + 1;
        for (const cell of table.querySelectorAll('td, th')) {
            const box = cell.getBoundingClientRect();
            const hidden = box.width === 0;
            if (!hidden && (box.right > end || box.left < around.left - 1 || cell.scrollWidth > cell.clientWidth + 1)) {
                wrong.push('a cell outside of its page: ' + named(cell));
            }
        }
    }
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const above = texts.currentNode.parentElement;
        if (/`|\*\*|\]\(|\|\|/.test(texts.currentNode.data) && above.closest('td, th') && !above.closest('code, pre')) {
            wrong.push('raw markup in a cell: ' + named(above));
        }
    }
    return wrong;
}

async function visit(pages, widths) {
    const wrong = [];
    for (const page of pages) {
        frame.src = page;
        await new Promise(done => { frame.onload = done; });
        for (const width of widths) {
            frame.style.width = width + 'px';
            wrong.push(...look(frame.contentDocument).map(what => page + ' at ' + width + ': ' + what));
        }
    }
    return wrong;
}
