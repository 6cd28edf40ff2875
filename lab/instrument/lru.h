/* SPDX-License-Identifier: GPL-2.0 */
/* Set-associative arrays, each set in the order of last use: exact LRU. */
#ifndef LAB_LRU_H
#define LAB_LRU_H

#include <algorithm>
#include <vector>

#include "geometry.h"
#include "walk.h"

/* An entry has `bool valid` and `Bit64u number`, which chooses its set. */
template <class entry> struct lru {
	std::vector<entry> entries;
	unsigned int sets = 0, ways = 0, live = 0;

	void resize(const struct array_size &size)
	{
		entries.assign(size.entries, entry());
		ways = size.ways;
		sets = ways ? size.entries / ways : 0;
		live = 0;
	}

	entry *set_of(Bit64u number)
	{
		return &entries[number % sets * ways];
	}

	/* The entry that @match accepts, now the one used last in its set. */
	template <class predicate> entry *find(Bit64u number, predicate match)
	{
		if (!live)
			return NULL;
		entry *set = set_of(number);

		for (unsigned int i = 0; i < ways && set[i].valid; i++) {
			if (!match(set[i]))
				continue;
			std::rotate(set, set + i, set + i + 1);
			return set;
		}
		return NULL;
	}

	void insert(const entry &e)
	{
		if (!sets)
			return;
		entry *set = set_of(e.number);

		live += !set[ways - 1].valid;
		std::rotate(set, set + ways - 1, set + ways);
		*set = e;
	}

	/* Invalid ones gather at the end of their set. */
	template <class predicate> void erase_in(entry *set, predicate match)
	{
		entry *end = set + ways;
		entry *kept = std::remove_if(set, end, [&](const entry &e) {
			return e.valid && match(e);
		});

		live -= end - kept;
		std::fill(kept, end, entry());
	}

	template <class predicate> void erase(predicate match)
	{
		for (unsigned int i = 0; live && i < sets; i++)
			erase_in(&entries[i * ways], match);
	}

	template <class predicate> void erase_at(Bit64u number, predicate match)
	{
		if (live)
			erase_in(set_of(number), match);
	}
};

#endif
