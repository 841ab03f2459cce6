'use strict';

/*
 * book.js: every message that this process has seen, by a small number.
 */


class Book {

    constructor() {
        this.index = new Map();
        this.list = [];
        this.wrong = [];
    }

    /* the number of a message; one id has one content, and one room */
    note(id, roomName, content) {
        const n = this.index.get(id);

        if (n === undefined) {
            this.index.set(id, this.list.length);
            this.list.push({ id, roomName, content });

            return this.list.length - 1;
        }

        const known = this.list[n];

        if (known.roomName !== roomName || known.content !== content) {
            this.wrong.push(`${id} is ${known.content} and ${content}`);
        }

        return n;
    }
}


module.exports = { Book };
