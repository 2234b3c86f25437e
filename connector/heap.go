package connector

// heap is a set of numbers with the least on top, at 0; each is not above those at 2i+1 and 2i+2.
type heap []uint64

func (h heap) push(x uint64) heap {
	h = append(h, x)
	i := len(h) - 1
	for i > 0 && h[(i-1)/2] > x {
		h[i] = h[(i-1)/2]
		i = (i - 1) / 2
	}
	h[i] = x
	return h
}

// pop removes the top.
func (h heap) pop() heap {
	n := len(h) - 1
	x := h[n]
	i := 0
	for {
		child := 2*i + 1
		if child >= n {
			break
		}
		if child+1 < n && h[child+1] < h[child] {
			child++
		}
		if h[child] >= x {
			break
		}
		h[i] = h[child]
		i = child
	}
	h[i] = x
	return h[:n]
}
