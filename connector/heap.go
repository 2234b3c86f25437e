package connector

// heap is a set of numbers with the least on top, at 0; each is not above those at 2i+1 and 2i+2.
type heap []uint64

func (h *heap) push(x uint64) {
	s := append(*h, x)
	i := len(s) - 1
	for i > 0 && s[(i-1)/2] > x {
		s[i] = s[(i-1)/2]
		i = (i - 1) / 2
	}
	s[i] = x
	*h = s
}

// pop removes the top.
func (h *heap) pop() {
	s := *h
	n := len(s) - 1
	x := s[n]
	i := 0
	for {
		child := 2*i + 1
		if child >= n {
			break
		}
		if child+1 < n && s[child+1] < s[child] {
			child++
		}
		if s[child] >= x {
			break
		}
		s[i] = s[child]
		i = child
	}
	s[i] = x
	*h = s[:n]
}
