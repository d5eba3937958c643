// Histories: judges with Porcupine whether what appliers were told is linearizable: each resource is a register that
// is written by compare-and-set. Reads one JSON object a line: resource, expected, start, end (nanoseconds), client,
// and either accepted (the new version) or conflict (the version that was there).
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
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

func main() {
	var history []porcupine.Operation
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var one operation
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			fmt.Println(err)
			os.Exit(2)
		}
		history = append(history, porcupine.Operation{ClientId: one.Client, Input: one, Call: one.Start, Output: one, Return: one.End})
	}
	if result := porcupine.CheckOperationsTimeout(register, history, time.Minute); result != porcupine.Ok {
		fmt.Printf("%d operations: %s\n", len(history), result)
		os.Exit(1)
	}
	fmt.Printf("%d operations: linearizable\n", len(history))
}
