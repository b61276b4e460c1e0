// Hovering and zooming. What the page says, it says without this.
(function () {
  "use strict";
  var root = document.documentElement;
  root.classList.add("scripted");
  var colour = function (name) { return getComputedStyle(root).getPropertyValue(name).trim(); };
  var tones = { t0: "--c0", t1: "--c1", t2: "--c2", t3: "--c3", t4: "--c4", t5: "--c5", tb: "--cb", tf: "--cf" };
  var drawn = [];
  function number(value) {
    if (value == null) return "–";
    var size = Math.abs(value);
    if (size >= 1000) return Math.round(value).toLocaleString("en-US");
    return String(+value.toPrecision(4));
  }
  function marks(figure) {
    var svg = figure.querySelector(".area svg");
    var find = function (css, of) { return Array.prototype.map.call(figure.querySelectorAll(css), of); };
    return {
      lines: find(".area .letter", function (it) { return { at: parseFloat(it.style.left) / 100, letter: it.textContent }; }),
      shades: Array.prototype.map.call(svg.querySelectorAll(".shade"), function (it) {
        var from = +it.getAttribute("x") / 1000;
        return [from, from + (+it.getAttribute("width")) / 1000];
      })
    };
  }
  function draw(figure) {
    var data = JSON.parse(figure.getAttribute("data-plot"));
    var hold = figure.querySelector(".live");
    var seen = marks(figure);
    var reach = data.x_high - data.x_low;
    var soft = colour("--soft"), grid = colour("--grid"), ink = "12px " + getComputedStyle(document.body).fontFamily;
    var tail = data.kind === "tail";
    var xName = tail ? "percentile" : ({ 1: "s", 60: "min", 3600: "h", 86400: "days" }[data.x_unit] || "");
    data.lines.reverse();
    var series = [{
      label: xName,
      value: function (u, value) {
        if (value == null) return "–";
        return tail ? String(+(100 * (1 - Math.pow(10, -value))).toPrecision(7)) : number(value);
      }
    }];
    data.lines.forEach(function (line) {
      var stroke = colour(tones[line.tone] || "--c0");
      series.push({
        label: line.name, stroke: stroke, width: line.stroke === "dashed" ? 1.25 : 1.75,
        dash: line.stroke === "dashed" ? [5, 4] : undefined, points: { show: false }, spanGaps: tail,
        paths: line.stroke === "step" ? uPlot.paths.stepped({ align: 1 }) : undefined,
        value: function (u, value) { return number(value); }
      });
    });
    var xAxis = { stroke: soft, font: ink, grid: { show: false }, ticks: { stroke: grid, size: 4 }, size: 30, space: 46 };
    if (tail) {
      xAxis.splits = function () { return data.x_ticks.map(function (tick) { return tick[0]; }); };
      xAxis.values = function () { return data.x_ticks.map(function (tick) { return tick[1]; }); };
    } else {
      xAxis.values = function (u, splits) { return splits.map(function (value) { return String(+value.toPrecision(6)); }); };
    }
    var yAxis = {
      stroke: soft, font: ink, grid: { stroke: grid, width: 1 }, ticks: { show: false }, size: 52, gap: 4,
      values: function (u, splits) { return splits.map(function (value) { return value == null ? null : number(value); }); }
    };
    var scales = {
      x: { time: false, range: function (u, low, high) { return low === data.x[0] && high === data.x[data.x.length - 1] ? [data.x_low, data.x_high] : [low, high]; } },
      y: data.log ? { distr: 3, range: [data.low, data.high] } : { range: [data.low, data.high] }
    };
    if (data.log) yAxis.filter = function (u, splits) {
      var wide = data.high / data.low > 100;
      return splits.map(function (value) {
        var digit = Math.round(value / Math.pow(10, Math.floor(Math.log10(value) + 1e-9)));
        return digit === 1 || (!wide && (digit === 2 || digit === 5)) ? value : null;
      });
    };
    var options = {
      width: Math.max(200, hold.parentNode.clientWidth), height: 210, scales: scales, axes: [xAxis, yAxis], series: series,
      padding: [14, 12, 0, 0], legend: { live: true },
      cursor: { sync: data.kind === "timeline" ? { key: "run", setSeries: false, scales: ["x", null] } : undefined, points: { size: 6 }, drag: { x: true, y: false } },
      hooks: {
        drawClear: [function (u) {
          var c = u.ctx, box = u.bbox;
          c.save(); c.beginPath(); c.rect(box.left, box.top, box.width, box.height); c.clip();
          c.fillStyle = colour("--shade");
          seen.shades.forEach(function (shade) {
            var from = u.valToPos(data.x_low + shade[0] * reach, "x", true), to = u.valToPos(data.x_low + shade[1] * reach, "x", true);
            c.fillRect(from, box.top, Math.max(1, to - from), box.height);
          });
          c.restore();
        }],
        draw: [function (u) {
          var c = u.ctx, box = u.bbox, ratio = uPlot.pxRatio || 1;
          c.save(); c.strokeStyle = c.fillStyle = colour("--mark"); c.lineWidth = ratio; c.setLineDash([2 * ratio, 3 * ratio]);
          c.font = "bold " + 12 * ratio + "px sans-serif"; c.textAlign = "center"; c.textBaseline = "bottom";
          seen.lines.forEach(function (mark) {
            var x = u.valToPos(data.x_low + mark.at * reach, "x", true);
            if (x < box.left || x > box.left + box.width) return;
            c.beginPath(); c.moveTo(x, box.top); c.lineTo(x, box.top + box.height); c.stroke();
            c.fillText(mark.letter, x, box.top - ratio);
          });
          c.restore();
        }]
      }
    };
    // What matters most is the first line: it is drawn last and named first.
    options.hooks.init = [function (u) {
      u.root.querySelectorAll(".u-series").forEach(function (row, at) { row.style.order = at === 0 ? 0 : data.lines.length - at + 1; });
    }];
    hold.textContent = "";
    figure.classList.add("on");
    var columns = [data.x].concat(data.lines.map(function (line) { return line.y; }));
    return { figure: figure, hold: hold, chart: new uPlot(options, columns, hold) };
  }
  function start(figure) {
    if (figure.hasAttribute("data-started")) return;
    if (figure.clientWidth === 0) return;
    figure.setAttribute("data-started", "");
    drawn.push(draw(figure));
  }
  var figures = document.querySelectorAll(".plot");
  // Only what comes near the screen is drawn, so that a long page opens at once.
  if ("IntersectionObserver" in window) {
    var watch = new IntersectionObserver(function (entries) {
      entries.forEach(function (entry) { if (entry.isIntersecting) start(entry.target); });
    }, { rootMargin: "600px" });
    figures.forEach(function (figure) { watch.observe(figure); });
  } else figures.forEach(start);
  window.addEventListener("resize", function () {
    drawn.forEach(function (it) { it.chart.setSize({ width: Math.max(200, it.hold.parentNode.clientWidth), height: 210 }); });
  });
  // Canvases keep the colours that they were drawn in.
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", function () {
    drawn = drawn.map(function (it) { it.chart.destroy(); return draw(it.figure); });
  });
  var links = document.querySelectorAll("nav a");
  if (links.length && "IntersectionObserver" in window) {
    var reader = new IntersectionObserver(function (entries) {
      entries.forEach(function (entry) {
        if (!entry.isIntersecting) return;
        links.forEach(function (link) { link.classList.toggle("here", link.getAttribute("href") === "#" + entry.target.id); });
      });
    }, { rootMargin: "-10% 0px -75% 0px" });
    document.querySelectorAll("main > [id]").forEach(function (part) { reader.observe(part); });
  }
})();
