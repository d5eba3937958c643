// Histories: judges with Porcupine whether what appliers were told is linearizable: each resource is a register that
// is written by compare-and-set. Reads one JSON object a line: resource, expected, start, end (nanoseconds), client,
// and either accepted (the new version) or conflict (the version that was there).
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"time"

	"github.com/anishathalye/porcupine"
)

type operation struct {
	Resource   string
	Expected   int64
	Start, End int64
	Client     int
	Accepted   int64
	Conflict   *int64
}

var register = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byResource := map[string][]porcupine.Operation{}
		for _, one := range history {
			name := one.Input.(operation).Resource
			byResource[name] = append(byResource[name], one)
		}
		var parts [][]porcupine.Operation
		for _, part := range byResource {
			parts = append(parts, part)
		}
		return parts
	},
	Init: func() interface{} { return int64(0) },
	Step: func(state, input, output interface{}) (bool, interface{}) {
		version, told := state.(int64), output.(operation)
		if told.Conflict != nil {
			return *told.Conflict == version && version != told.Expected, version
		}
		return told.Expected == version && told.Accepted == version+1, told.Accepted
	},
}

// Narrows the times of operations by what every order has that the register allows: a conflict with a version is told
// after that version was accepted and before the next one is. So the search, which else has to guess among a hundred
// operations at once, is short, and its result is the same. False: an operation would have to end before it begins.
func narrow(part []porcupine.Operation) bool {
	called, returned, last := map[int64]int64{}, map[int64]int64{}, int64(0) // of what sets a version, by version
	seen := func(version, start, end int64) {
		if start > called[version] {
			called[version] = start
		}
		if before, is := returned[version]; !is || end < before {
			returned[version] = end
		}
		if version > last {
			last = version
		}
	}
	for _, one := range part {
		told := one.Output.(operation)
		if told.Conflict == nil {
			seen(told.Accepted, one.Call, math.MaxInt64)
			seen(told.Accepted, 0, one.Return)
		} else {
			seen(*told.Conflict+1, one.Call, math.MaxInt64) // the next version comes after its call
			seen(*told.Conflict, 0, one.Return)             // and this one before its return
		}
	}
	for version := int64(1); version <= last+1; version++ {
		called[version] = max(called[version], called[version-1])
	}
	end := int64(math.MaxInt64)
	for version := last + 1; version >= 0; version-- {
		if own, is := returned[version]; is {
			end = min(end, own)
		}
		returned[version] = end
	}
	for i := range part {
		one := &part[i]
		told := one.Output.(operation)
		if told.Conflict == nil {
			one.Call, one.Return = max(one.Call, called[told.Accepted]), min(one.Return, returned[told.Accepted])
		} else {
			one.Call, one.Return = max(one.Call, called[*told.Conflict]), min(one.Return, returned[*told.Conflict+1])
		}
		if one.Call > one.Return {
			return false
		}
		// At the same time a conflict goes before what sets the next version, and calls before returns: the search takes what is
		// called first, and would find only hundreds of operations later that it took the wrong one.
		one.Call, one.Return = 4*one.Call, 4*one.Return+2
		if told.Conflict == nil {
			one.Call++
		}
	}
	return true
}

func main() {
	var history, narrowed []porcupine.Operation
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var one operation
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			fmt.Println(err)
			os.Exit(2)
		}
		history = append(history, porcupine.Operation{ClientId: one.Client, Input: one, Call: one.Start, Output: one, Return: one.End})
	}
	for _, part := range register.Partition(history) {
		if !narrow(part) {
			fmt.Printf("%d operations: %s\n", len(history), porcupine.Illegal)
			os.Exit(1)
		}
		narrowed = append(narrowed, part...)
	}
	if result := porcupine.CheckOperationsTimeout(register, narrowed, time.Minute); result != porcupine.Ok {
		fmt.Printf("%d operations: %s\n", len(history), result)
		os.Exit(1)
	}
	fmt.Printf("%d operations: linearizable\n", len(history))
}
